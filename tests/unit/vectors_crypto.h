/* SPDX-License-Identifier: BSD-3-Clause */
/* Known answers of the primitives: RFC 7748, and values that Python's hashlib and
 * cryptography package give for the shapes WireGuard uses. */
#ifndef VECTORS_CRYPTO_H
#define VECTORS_CRYPTO_H

#include <stdint.h>

/* clang-format off */

static const struct {
    const char *scalar, *u, *out;
} vector_x25519[] = {
    {
        .scalar = "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        .u = "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        .out = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    },
    {
        .scalar = "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        .u = "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        .out = "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    },
    {
        .scalar = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
        .u = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
        .out = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
    },
};

/* Points whose multiple by a clamped scalar is zero, also with the ignored top bit set. */
static const char *const vector_low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* ChaCha20-Poly1305 of nothing, with the nonces WireGuard makes of its counters. */
static const struct {
    uint64_t counter;
    const char *key, *sealed;
} vector_empty_message[] = {
    {
        .counter = UINT64_C(0),
        .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        .sealed = "3ae5d3f2a376d317eaea5aef0215ba54",
    },
    {
        .counter = UINT64_C(1),
        .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        .sealed = "2c8bcc023498fb4795f009bc2b0bd49a",
    },
    {
        .counter = UINT64_C(4294967295),
        .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        .sealed = "677e52f8ee8e91f2297be89ed2762334",
    },
    {
        .counter = UINT64_C(4294967296),
        .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        .sealed = "be8175654017cc1c68cf224f218414e3",
    },
    {
        .counter = UINT64_C(1152921504606846977),
        .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        .sealed = "f26f5d47feba93635cd1d6282de67c33",
    },
    {
        .counter = UINT64_C(18446744073709551615),
        .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        .sealed = "caa666b0e22456ddb4c58421f60ffc80",
    },
};

/* Of a cookie's shape. */
static const struct {
    const char *key, *nonce, *ad, *plain, *sealed;
} vector_xchacha20poly1305 = {
    .key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    .nonce = "404142434445464748494a4b4c4d4e4f5051525354555657",
    .ad = "000102030405060708090a0b0c0d0e0f",
    .plain = "101112131415161718191a1b1c1d1e1f",
    .sealed = "e11d61e74fe5e24de30b6dc8eab3834a3970e4d464e0bb8081588f8f13f42077",
};

/* Key and input are the bytes 0, 1, 2, ... */
static const struct {
    unsigned len;
    const char *mac, *hash;
} vector_blake2s[] = {
    {
        .len = 0,
        .mac = "9536f9b267655743dee97b8a670f9f53",
        .hash = "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9",
    },
    {
        .len = 1,
        .mac = "13bacfb85b48a1223c595f8c1e7e82cb",
        .hash = "e34d74dbaf4ff4c6abd871cc220451d2ea2648846c7757fbaac82fe51ad64bea",
    },
    {
        .len = 31,
        .mac = "d114cc11e7d5b33a360c45f18d4c7c6e",
        .hash = "aba4ad9b480b9df3d08ca5e87b0c2440d4e4ea21224c2eb42cbae469d089b931",
    },
    {
        .len = 32,
        .mac = "c43b5e836af88620a8a71b1652cb8640",
        .hash = "05825607d7fdf2d82ef4c3c8c2aea961ad98d60edff7d018983e21204c0d93d1",
    },
    {
        .len = 33,
        .mac = "9491c653e8867ed73c1b4ac6b5a9bb4d",
        .hash = "a742f8b6af82d8a6ca2357c5f1cf91defbd066267d75c048b352366585025962",
    },
    {
        .len = 63,
        .mac = "ece382a8bd5018f1de5da44b72cea75b",
        .hash = "e57cb79487dd57902432b250733813bd96a84efce59f650fac26e6696aefafc3",
    },
    {
        .len = 64,
        .mac = "f1efa90d2547036841ecd3627fafbc36",
        .hash = "56f34e8b96557e90c1f24b52d0c89d51086acf1b00f634cf1dde9233b8eaaa3e",
    },
    {
        .len = 65,
        .mac = "811ff8686d23a435ecbd0bdafcd27b1b",
        .hash = "1b53ee94aaf34e4b159d48de352c7f0661d0a40edff95a0b1639b4090e974472",
    },
    {
        .len = 127,
        .mac = "25887fab1422700d7fa3edc0b20206e2",
        .hash = "f18417b39d617ab1c18fdf91ebd0fc6d5516bb34cf39364037bce81fa04cecb1",
    },
    {
        .len = 128,
        .mac = "8c09f698d03eaf88abf69f8147865ef6",
        .hash = "1fa877de67259d19863a2a34bcc6962a2b25fcbf5cbecd7ede8f1fa36688a796",
    },
    {
        .len = 129,
        .mac = "5c363ae42a5bec26fbc5e996428d9bd7",
        .hash = "5bd169e67c82c2c2e98ef7008bdf261f2ddf30b1c00f9e7f275bb3e8a28dc9a2",
    },
    {
        .len = 255,
        .mac = "cd075928ab7e6883e697fe7fd3ac43ee",
        .hash = "f03f5789d3336b80d002d59fdf918bdb775b00956ed5528e86aa994acb38fe2d",
    },
};

static const struct {
    unsigned len;
    const char *mac;
} vector_mac_key16[] = {
    {0, "af4e5d3bb230e9ff9096ca6f7c501f76"},
    {60, "da0a38612447a7e4984ab1b31a51b962"},
    {76, "7cd3f752b50c913943300d98c3de2b92"},
    {116, "b9b1bbba1b59e4349d1018f97d243fca"},
    {132, "b03d1196bdcfaad40f911db86b79ac7e"},
};

static const struct {
    const char *key, *data, *out;
} vector_hmac[] = {
    {
        .key = "6b6579",
        .data = "64617461",
        .out = "84f646acda0776ee848b7f9dc5771c7d8cf023999c0c3dd84dc78636a146e805",
    },
    {
        .key =
            "0000000000000000000000000000000000000000000000000000000000000000000000000000"
            "000000000000000000000000000000000000000000000000000000",
        .data = "",
        .out = "77e4f687632268dbad88aafc70503affa4c33ce7604e06ac9e8450d20ad84c09",
    },
};

static const struct {
    const char *key, *input, *t1, *t2, *t3;
} vector_kdf[] = {
    {
        .key = "746573742d6b6579",
        .input = "746573742d696e707574",
        .t1 = "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633",
        .t2 = "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a",
        .t3 = "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24",
    },
    {
        .key = "776972656775617264",
        .input = "776972656775617264",
        .t1 = "491d43bbfdaa8750aaf535e334ecbfe5129967cd64635101c566d4caefda96e8",
        .t2 = "1e71a379baefd8a79aa4662212fcafe19a23e2b609a3db7d6bcba8f560e3d25f",
        .t3 = "31e1ae48bddfbe5de38f295e5452b1909a1b4e38e183926af3780b0c1e1f0160",
    },
    {
        .key = "",
        .input = "",
        .t1 = "8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5d0",
        .t2 = "58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e86e",
        .t3 = "0ce6ea98ec548f8e281e93e32db65621c45eb18dc6f0a7ad94178610a2f7338e",
    },
};

static const struct {
    const char *input, *clamped, *public_key;
} vector_clamp[] = {
    {
        .input = "6e560f8e3674c1d49e3700103b71681ea195d47a9812d066a0816db0d26f20af",
        .clamped = "68560f8e3674c1d49e3700103b71681ea195d47a9812d066a0816db0d26f206f",
        .public_key = "1773a935948db303fb15e810e279b6a6dd1381525d4db078606c3a34757ffd4c",
    },
    {
        .input = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        .clamped = "f8ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        .public_key = "847c0d2c375234f365e660955187a3735a0f7613d1609d3a6a4d8c53aeaa5a22",
    },
    {
        .input = "0000000000000000000000000000000000000000000000000000000000000000",
        .clamped = "0000000000000000000000000000000000000000000000000000000000000040",
        .public_key = "2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74",
    },
    {
        .input = "0700000000000000000000000000000000000000000000000000000000000080",
        .clamped = "0000000000000000000000000000000000000000000000000000000000000040",
        .public_key = "2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74",
    },
};

static const struct {
    uint64_t seconds;
    uint32_t nanoseconds;
    const char *tai64n;
} vector_tai64n[] = {
    {UINT64_C(0), 0, "400000000000000a00000000"},
    {UINT64_C(1), 0, "400000000000000b00000000"},
    {UINT64_C(1700000000), 0, "400000006553f10a00000000"},
    {UINT64_C(1700000000), 999999999, "400000006553f10a3b000000"},
    {UINT64_C(1700000000), 16777215, "400000006553f10a00000000"},
    {UINT64_C(1700000000), 16777216, "400000006553f10a01000000"},
    {UINT64_C(1700000000), 33554431, "400000006553f10a01000000"},
    {UINT64_C(2147483647), 1, "400000008000000900000000"},
    {UINT64_C(4294967296), 500000000, "400000010000000a1d000000"},
    {UINT64_C(4102444800), 123456789, "40000000f486570a07000000"},
};

/* clang-format on */

#endif
