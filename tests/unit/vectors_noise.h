/* SPDX-License-Identifier: BSD-3-Clause */
/* Known answers of the handshake, of data messages and of cookies, made by an independent model
 * (Python: hashlib's BLAKE2s, the cryptography package) and confirmed against wireguard-go. */
#ifndef VECTORS_NOISE_H
#define VECTORS_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include <wgtcpd/base/drop.h>

/* clang-format off */

struct vector_data {
    const char *what;
    bool to_responder;
    uint64_t counter;
    unsigned padding;
    const char *plain, *message;
};

struct vector_handshake {
    const char *name;
    uint32_t initiator_index, responder_index;
    /* inputs */
    const char *s_i, *s_r, *e_i, *e_r, *psk, *tai64n;
    /* public keys and what hangs on them */
    const char *S_i, *S_r, *E_i, *E_r;
    const char *mac1_key_r, *mac1_key_i, *cookie_key_r, *cookie_key_i;
    /* initiation, step by step */
    const char *i_h_s_r, *i_h_e, *i_ck_e, *i_es, *i_ck_es, *i_k_es, *i_enc_static, *i_h_s, *i_ss,
        *i_ck_ss, *i_k_ss, *i_enc_timestamp, *i_h_t, *i_mac1, *initiation;
    /* response, step by step */
    const char *r_h_e, *r_ck_e, *r_ee, *r_ck_ee, *r_se, *r_ck_se, *r_ck_psk, *r_tau, *r_k_psk,
        *r_h_tau, *r_enc_nothing, *r_h, *r_mac1, *response;
    /* session */
    const char *key_to_responder, *key_to_initiator;
    struct vector_data data[9];
};

static const struct vector_handshake vector_handshakes[] = {
    {
        .name = "A",
        .initiator_index = 0x01020304U,
        .responder_index = 0xa1b2c3d4U,
        .s_i = "385e43197c0821cc0b4e2050c99146f82ed2ce1f862db8d9526814c90517dd58",
        .s_r = "28cc3af1b006049194bb033bbba844fff918a1e932debbbf4f3df3799ca26a4b",
        .e_i = "38a343eb4f6f42241edac9dbd5e1fb75c8687f07d626badc4236ed70ae01df7d",
        .e_r = "f8fb30d96d2dd2234e458750089e37703711180b5a98449cb342c0e4e7422d5f",
        .psk = "70199cec15594c44e5ef3661dc231ca97f0f42542fbfa31e91a4f6ba7885c3f6",
        .tai64n = "400000006553f10a07000000",
        .S_i = "fa7b414eb6ccb5c288b263f861ce565a4c3842ae2e627470b4cdce14b770e64f",
        .S_r = "247eaa5f10973b562ffdea61f82dfba98487f698555ec1ca372fff3bce108035",
        .E_i = "4a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76cd6c",
        .E_r = "058a580328ff5c9812be04a1017b1fec522586914d72e35d627f3b2e6e3b8700",
        .mac1_key_r = "8a1180b8a2d5852ea0cbc9c470619e0c3ed2e9dea98546a31d8d57b558b31c4b",
        .mac1_key_i = "44ad98b84db8d01492a4a6c7eab0d73e3f63c111f11b1f688761f0270c810fc9",
        .cookie_key_r = "5d713a6bee27ef8ad89ddf80b12e88fdebe426861fc092cf7b4450f3ad86f7f4",
        .cookie_key_i = "ada2b96791c99da4af8d3ebfffefef866cbf50da64f215427dd67d6438b418ef",
        .i_h_s_r = "56d8b1a1b4291daf8cce0686194e5c9b4a74d6b26df2f3eb8fb3cdfe687046da",
        .i_h_e = "903c613c54e012dbd3c1c2a1ca40536c0a6fb0803eea88d2a0fe33eb899f7860",
        .i_ck_e = "c521bb2d4406cda70727bf15492ee1de8efeb094e98ebf27091ced5a36c09e3c",
        .i_es = "083f1a7658d0e6596c70ec633ae59f4c9d0f495ca1448e7ca958500687d98210",
        .i_ck_es = "eaecff3c449dbda6f776941245e1a83f9379f2165c31f4ee48b9ef91e8068653",
        .i_k_es = "29c260a0a5d65a1abbe9d57527a7e9b2f8c119a2c6e7716bf15e864ccde400ad",
        .i_enc_static =
            "b22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1ccb4ed"
            "91dd26265bacc39ba965",
        .i_h_s = "43f2268dfeab306f1f67d8a753d39228d790fa8acdda5cb8ea4612ec8ac2dcd2",
        .i_ss = "c3c84fb4d0341c2ae7a854512968b7919fbadd1d3e0e42befb3975529096f03e",
        .i_ck_ss = "cb5df4a64892a621def16e2d9505d4faaec0750b4ed9ce5e26afda6196e79547",
        .i_k_ss = "60d749e9e94296563970c2333199cde6840ef84eba94df3323d81e0fb03053bc",
        .i_enc_timestamp = "c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd25a0",
        .i_h_t = "f710688dc78ff23bec06a15c666952961ac35576771d56b1900eb4558de5bcfa",
        .i_mac1 = "c231b2298e544b4209c5ba2478cffb0c",
        .initiation =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0c231b2298e544b4209c5ba2478cffb0c00000000000000000000000000000000",
        .r_h_e = "6791103bd1bde98301335e924e3b17dc6fc48a29b3a752843a1e43622e680ae8",
        .r_ck_e = "f22f0135bfca12666a186fe49192188195c515b19376cb6802de51e490f72222",
        .r_ee = "c2fd02976311d1ac13c47404b397ee07b3aaba3612084c6a48d4e4e86beacd7d",
        .r_ck_ee = "fa37cc0be8127eca85e4eb5c7b22c4b0f6f9a3ed38ca25a3808365fad186a227",
        .r_se = "fa9ae27eea3f89a3514cebb6f635b265c22f7721b93dbc1289003412238b5323",
        .r_ck_se = "50fb2359fb881a0fb4f93ac232b324d0e41eb4f4de8863fa412c58cd5d60e342",
        .r_ck_psk = "9c84921399d45115e7241993fe0e900074f7ce8b7f0628d917497db6ad9ab955",
        .r_tau = "ae3c0d5ee9d323b5ce2b52c5b2add41823dc1f89a976c584d1936c3f01866ec3",
        .r_k_psk = "32631cf8714aa0eefd15ae4b5a5229bc1cae26f967a813a029c2226c97e350fe",
        .r_h_tau = "4f7db78925f690470b58ccbc0476ec865712fcf8268cca888d8085a54b3d8449",
        .r_enc_nothing = "cfd9ffeaa978f736d5b4a13d55a94abc",
        .r_h = "ad2606e9b2a2d8b66cd6ffa729b91631adfe670cc179439bba95cffa5a2bd0eb",
        .r_mac1 = "03114d2341c69b9320bb9038b47d4255",
        .response =
            "02000000d4c3b2a104030201058a580328ff5c9812be04a1017b1fec522586914d72e35d627f"
            "3b2e6e3b8700cfd9ffeaa978f736d5b4a13d55a94abc03114d2341c69b9320bb9038b47d4255"
            "00000000000000000000000000000000",
        .key_to_responder = "2c163c139a8b30f84cf9d404208932ca1bae6cbce47b2a5731581455131f32ce",
        .key_to_initiator = "9eee9fbcad90962adf0061803ab216e7e862777da0f8a4e1733d1da2a7870a0a",
        .data = {
            {
                .what = "keepalive: first packet of the initiator, confirms the session",
                .to_responder = true,
                .counter = UINT64_C(0),
                .padding = 0,
                .plain = "",
                .message = "04000000d4c3b2a10000000000000000c16077d4aeeab7df0ff3b54da5f3826e",
            },
            {
                .what = "IPv4 ICMP echo, 84 bytes, padded to 96",
                .to_responder = true,
                .counter = UINT64_C(1),
                .padding = 12,
                .plain =
                    "4500005412340000400154730a0000010a000002080089747777000100010203040506070809"
                    "0a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
                    "3031323334353637",
                .message =
                    "04000000d4c3b2a101000000000000003148037b3b7e45c68a1d7baa4f9f3e2d2ff31f97e236"
                    "46af72417405f5df37a57e5af6246886ec6c309feb0f6d4cdc987e02ea6f96eecae2bb5df4fd"
                    "902b5665728f0fd2ae3b7ef6127493a24d78dd4ce39dcfcdd896b37d477e77788c495fbef4e4"
                    "1225147532f405530f188dc95a2a",
            },
            {
                .what = "reply direction, IPv4 ICMP echo 84 bytes",
                .to_responder = false,
                .counter = UINT64_C(0),
                .padding = 12,
                .plain =
                    "4500005412340000400154730a0000020a000001080089747777000100010203040506070809"
                    "0a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
                    "3031323334353637",
                .message =
                    "04000000040302010000000000000000e71ecbb831ce00580b0114eee52b84526188cdb0e7ef"
                    "a2c6566daf5eeb52ca723e26917ee3bd3fa85c33f1f4220d1f0be5bd5a9b0eba7afe8897dfb8"
                    "3dbb57a1dbe890a4fb04684d314ad8f71eb91b3a24dbf56ccf56068ce0ad91c19811ca9341b9"
                    "2a9b0b28cc44bd5e40eb9ac55041",
            },
            {
                .what = "IPv6 UDP-sized, 48 bytes, no padding needed",
                .to_responder = true,
                .counter = UINT64_C(2),
                .padding = 0,
                .plain =
                    "6000000000083b40fd000000000000000000000000000001fd00000000000000000000000000"
                    "00020000000000000000",
                .message =
                    "04000000d4c3b2a1020000000000000048094ea4693b898e8e4250a393f1db8486a80d0f5bb3"
                    "34568c505d2e9ea7aa8eb5a28f9a21ecc5fdef3fe9d4319a887f4ccd7bec664d0f5040862896"
                    "26f499c5",
            },
            {
                .what = "20-byte IPv4 header only, padded to 32",
                .to_responder = true,
                .counter = UINT64_C(3),
                .padding = 12,
                .plain = "4500001412340000403b54790a0000010a000002",
                .message =
                    "04000000d4c3b2a10300000000000000996461f438e254e0ea033081965b5fb4997b9b7efd01"
                    "39a547d9137d98fbde1f68e103723d123b968f2f5c3a3a6463e1",
            },
            {
                .what = "1420 bytes at MTU 1420: padding clamped to 0",
                .to_responder = true,
                .counter = UINT64_C(4),
                .padding = 0,
                .plain =
                    "4500058c12340000403b4f010a0000010a00000200070e151c232a31383f464d545b62697077"
                    "7e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81"
                    "888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b"
                    "9299a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e252c333a41484f565d646b727980878e95"
                    "9ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f363d444b525960676e757c838a91989f"
                    "a6adb4bbc2c9d0d7dee5ecf3fa01080f161d242b323940474e555c636a71787f868d949ba2a9"
                    "b0b7bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b828990979ea5acb3"
                    "bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858c939aa1a8afb6bd"
                    "c4cbd2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7"
                    "ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1"
                    "d8dfe6edf4fb020910171e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4db"
                    "e2e9f0f7fe050c131a21282f363d444b525960676e757c838a91989fa6adb4bbc2c9d0d7dee5"
                    "ecf3fa01080f161d242b323940474e555c636a71787f868d949ba2a9b0b7bec5ccd3dae1e8ef"
                    "f6fd040b121920272e353c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f9"
                    "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc03"
                    "0a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d"
                    "141b222930373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1d8dfe6edf4fb02091017"
                    "1e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21"
                    "282f363d444b525960676e757c838a91989fa6adb4bbc2c9d0d7dee5ecf3fa01080f161d242b"
                    "323940474e555c636a71787f868d949ba2a9b0b7bec5ccd3dae1e8eff6fd040b121920272e35"
                    "3c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f"
                    "464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f262d343b4249"
                    "50575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c53"
                    "5a61686f767d848b9299a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e252c333a41484f565d"
                    "646b727980878e959ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f363d444b52596067"
                    "6e757c838a91989fa6adb4bbc2c9d0d7dee5ecf3fa01080f161d242b323940474e555c636a71"
                    "787f868d949ba2a9b0b7bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b"
                    "828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e85"
                    "8c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81888f"
                    "969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b9299"
                    "a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e252c333a41484f565d646b727980878e959ca3"
                    "aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f363d444b525960676e757c838a91989fa6ad"
                    "b4bbc2c9d0d7dee5ecf3fa01080f161d242b323940474e555c636a71787f868d949ba2a9b0b7"
                    "bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b828990979ea5acb3bac1"
                    "c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cb"
                    "d2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5"
                    "dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1d8df"
                    "e6edf4fb020910171e252c333a41",
                .message =
                    "04000000d4c3b2a1040000000000000075af7549b3cccd354003d0215099bd086ef121469af6"
                    "af884c3e9ebec3ddfd8ae5ec8397e11ea3232ac720d6f4a43f5fe0bd0b5c3120cf0b7d58e08e"
                    "5426b01ff4ac266662840b8b4929cd0a60d95ee0ce7262682e07bd8a3c9c7d7b823e12f0af1e"
                    "d947c818665d6593063826dd5e777e59106be9bbf2762264910e6cf54b61f06e88ed2bec9da7"
                    "2cb4fe0d43f15ac4650a591137833113b4f7a5366ec01e3a92aa32d2dd325b4da8ba0f356077"
                    "aca2b0d56f1012332303f243dab25b399f0019e9fe90783ad5bb64bb78c97b2f601a31dc5894"
                    "ee470fc4fbfa40f6d0e02c4636770ecbc8a037319e7aac3023707effe941bdb8a6da58d94bc0"
                    "4329627a82ca8b20c323e697ab544c46d1812e5e01c57265793030d12277152e4ac176598ba9"
                    "521c83f7bdd7f6a8c96edf8fbc7837c4dd44f7ae68e64ea4b98d95565745f1bdf4b0118ace81"
                    "4a0987537a9e4b1b3fffb14d83cd904a02fd8337236528078d587eb6283930170152357ca693"
                    "1e29c2add9c6f8561ea8c8a131b8f73daf1ca4128ac8cf09217f810a359660167eff2e90a5ee"
                    "c6490339c187e504b625953d6cba873a64d090fda919f8068c18eed06904e08e29e80840bfa0"
                    "5792a51d77ee10a33593c300f9c2906cfacd65037a20592fbd76d92a4b46495197991d8bf4f5"
                    "dcfb287b6ad6e622c03798d32fb94ce625a2aa6608046088ef67fccbf03d2a18c498aa4a3c96"
                    "206de4bd24aacebeea1ae521a5f4c7c9082bda815b8e23a814c097e102b5975fa96ae233828d"
                    "37fabc5b912537ee015ccb462c1de2b188b7d8eb748a1cc6119bbec94555e025b25aecc81ce6"
                    "2dce254cfc37ff50d0b4bebe97f1ed34d03fa133173fe69c287a1a880a7c948f811daa716765"
                    "0dfc35cf99bcdb3195e1b11f1e3b864fbac41230941301adb047e2516d04a4c93ca78d64ba37"
                    "18aaaa960f898199c6a8d3f7c72d287dcbe49d23b47482c8b7382b38ccb440b87a2a2a1ff984"
                    "b1217f1a650132a8a4e975b5816c5c540892e6f60f9d9d52c3203ece24e872b12278976e4a70"
                    "5d8d26738d4d1f3cec8c6cc4f44cd694bbfca5e84bb2dce44c12c123b1e6c0821cfc862f8f01"
                    "e02e21ecff10fa6f39edbc973ad686dc85a612992503b947dc88e51122fe7e75773ba984e330"
                    "63df553d9b7c3f447d55a903c354bdaffadc6c7199ba93b14af827d0ab87979335239c20e82e"
                    "ed99198624b8230d376cdbdc573f1a835f60180913a457a35514b7bf326d2166655b83dd95d7"
                    "8307c9c3bd2724339c17d3014f588e6db12c4adc901a1f6738a635089b0ba4919e3a07373fb3"
                    "b5b5a6b76bcd740e26628b61bca635185bcaa3fdb2b9dcecbc6e5f802fc3fa4379fd24465f37"
                    "f64aceaefbec1a0aae6c9d97716868f0a2809ed9cc1a0a70cb8bc2cd901dfb19a3049019cc15"
                    "a6a3128794a44c77e0d2e5272fee9e6a891b993b30ae8c60f6be8b3d789dbdbde9e1954c2bec"
                    "a1de1e0fcbda51bc56b7b588325ba1a5ca52aefe5e6c7cd404de5b96b24f86fef16d6bd067fc"
                    "6af81e89fbccc7179a42916b9bb9da4d7d251abb63497b4c19a86ebd35def27c14bd3fe629d1"
                    "8af1fcd440887eee410b088dc9667b87e77da6ef5d057f6e75b323587378c61c14aa9265a685"
                    "9dfe8a2d7625630d80409aebcad7e7a27d5e67f39e87febba11ecc8b14b154ac7ab747f06795"
                    "8a1e6f8b0820f487624431d69bef36cdc6f3d7a30d99b9585944238f333ed69e70e6651577c6"
                    "9a0d23759866f1b179109693393543b2b7a5180baba43cc99cd0a05cb94eb8e3e9bbf33a05aa"
                    "b89c60b1530d545123d6c347ae08ef8cee816d94dc44e1f810601897bf2aaf1039ee50d4641f"
                    "6742552e55eb8894508d0b9e11599be72f9528955f33ad3141aa81daf41b057294b9842736e0"
                    "f3b5966f58002d29557f23204c0c9680ed80b9db4b4eb4f414f4b3dcca9f43698a4eee49646e"
                    "a7361fec3bb826eb03aa679631dcc046ae5d4fca20be1c567448a8ec0cf65a0cc78b3ea1f5ad"
                    "12c2d0e368324ab9",
            },
            {
                .what = "1409 bytes at MTU 1420: padded to 1420, not 1424",
                .to_responder = true,
                .counter = UINT64_C(5),
                .padding = 11,
                .plain =
                    "4500058112340000403b4f0c0a0000010a00000200050a0f14191e23282d32373c41464b5055"
                    "5a5f64696e73787d82878c91969ba0a5aaafb4b9bec3c8cdd2d7dce1e6ebf0f5faff04090e13"
                    "181d22272c31363b40454a4f54595e63686d72777c81868b90959a9fa4a9aeb3b8bdc2c7ccd1"
                    "d6dbe0e5eaeff4f9fe03080d12171c21262b30353a3f44494e53585d62676c71767b80858a8f"
                    "94999ea3a8adb2b7bcc1c6cbd0d5dadfe4e9eef3f8fd02070c11161b20252a2f34393e43484d"
                    "52575c61666b70757a7f84898e93989da2a7acb1b6bbc0c5cacfd4d9dee3e8edf2f7fc01060b"
                    "10151a1f24292e33383d42474c51565b60656a6f74797e83888d92979ca1a6abb0b5babfc4c9"
                    "ced3d8dde2e7ecf1f6fb00050a0f14191e23282d32373c41464b50555a5f64696e73787d8287"
                    "8c91969ba0a5aaafb4b9bec3c8cdd2d7dce1e6ebf0f5faff04090e13181d22272c31363b4045"
                    "4a4f54595e63686d72777c81868b90959a9fa4a9aeb3b8bdc2c7ccd1d6dbe0e5eaeff4f9fe03"
                    "080d12171c21262b30353a3f44494e53585d62676c71767b80858a8f94999ea3a8adb2b7bcc1"
                    "c6cbd0d5dadfe4e9eef3f8fd02070c11161b20252a2f34393e43484d52575c61666b70757a7f"
                    "84898e93989da2a7acb1b6bbc0c5cacfd4d9dee3e8edf2f7fc01060b10151a1f24292e33383d"
                    "42474c51565b60656a6f74797e83888d92979ca1a6abb0b5babfc4c9ced3d8dde2e7ecf1f6fb"
                    "00050a0f14191e23282d32373c41464b50555a5f64696e73787d82878c91969ba0a5aaafb4b9"
                    "bec3c8cdd2d7dce1e6ebf0f5faff04090e13181d22272c31363b40454a4f54595e63686d7277"
                    "7c81868b90959a9fa4a9aeb3b8bdc2c7ccd1d6dbe0e5eaeff4f9fe03080d12171c21262b3035"
                    "3a3f44494e53585d62676c71767b80858a8f94999ea3a8adb2b7bcc1c6cbd0d5dadfe4e9eef3"
                    "f8fd02070c11161b20252a2f34393e43484d52575c61666b70757a7f84898e93989da2a7acb1"
                    "b6bbc0c5cacfd4d9dee3e8edf2f7fc01060b10151a1f24292e33383d42474c51565b60656a6f"
                    "74797e83888d92979ca1a6abb0b5babfc4c9ced3d8dde2e7ecf1f6fb00050a0f14191e23282d"
                    "32373c41464b50555a5f64696e73787d82878c91969ba0a5aaafb4b9bec3c8cdd2d7dce1e6eb"
                    "f0f5faff04090e13181d22272c31363b40454a4f54595e63686d72777c81868b90959a9fa4a9"
                    "aeb3b8bdc2c7ccd1d6dbe0e5eaeff4f9fe03080d12171c21262b30353a3f44494e53585d6267"
                    "6c71767b80858a8f94999ea3a8adb2b7bcc1c6cbd0d5dadfe4e9eef3f8fd02070c11161b2025"
                    "2a2f34393e43484d52575c61666b70757a7f84898e93989da2a7acb1b6bbc0c5cacfd4d9dee3"
                    "e8edf2f7fc01060b10151a1f24292e33383d42474c51565b60656a6f74797e83888d92979ca1"
                    "a6abb0b5babfc4c9ced3d8dde2e7ecf1f6fb00050a0f14191e23282d32373c41464b50555a5f"
                    "64696e73787d82878c91969ba0a5aaafb4b9bec3c8cdd2d7dce1e6ebf0f5faff04090e13181d"
                    "22272c31363b40454a4f54595e63686d72777c81868b90959a9fa4a9aeb3b8bdc2c7ccd1d6db"
                    "e0e5eaeff4f9fe03080d12171c21262b30353a3f44494e53585d62676c71767b80858a8f9499"
                    "9ea3a8adb2b7bcc1c6cbd0d5dadfe4e9eef3f8fd02070c11161b20252a2f34393e43484d5257"
                    "5c61666b70757a7f84898e93989da2a7acb1b6bbc0c5cacfd4d9dee3e8edf2f7fc01060b1015"
                    "1a1f24292e33383d42474c51565b60656a6f74797e83888d92979ca1a6abb0b5babfc4c9ced3"
                    "d8dde2e7ecf1f6fb00050a0f14191e23282d32373c41464b50555a5f64696e73787d82878c91"
                    "969ba0a5aaafb4b9bec3c8cdd2d7dce1e6ebf0f5faff04090e13181d22272c31363b40454a4f"
                    "54595e63686d72777c81868b90959a9fa4a9aeb3b8bdc2c7ccd1d6dbe0e5eaeff4f9fe03080d"
                    "12171c",
                .message =
                    "04000000d4c3b2a1050000000000000022c3a35cd03628e63246e8cf1ef61c9ac34080ee5e18"
                    "90b89eea21b8156c6dc00f66a9d338d644e47cd3e9e22b04be223cd3faea3b1048c5e2ac82af"
                    "8f4737a43f620303c0737fbfafa365d208faa80155a1dcbe0d81391ce0e51b1f21cfe3a60934"
                    "fe4dd1cc0c21a5dcac76ded896540b1640fe65a9632fac090d9e56505a8c26718d9e597e7441"
                    "5a3f8b14451dea2f2bb4a47bbe2eb26aa2a327a6b168b1eb4cf75815c8076f4ec024ad9b6bcd"
                    "47d87d2d178a3b1c5c63ae61d5c1979f6e8a944b48784ea2adb3f2f4e23225d7c01556465890"
                    "a75c3bc1999656a7787d0d5b097007e408b8ff0f146ddab4653c12d1d4d88defd7ca5ee55fbf"
                    "eae080b0051da023aa15cdf75a293e61ff9373e16703a7e08ed75b234f0ba6ce5e2a0e8d9bb9"
                    "acb12847735eed5fa53618630dea43fa22bdcc88f3ed78dc27e9cf32a48c06a4c23d58cf3958"
                    "c689349c05ccbb739e2db439dd6555d0424cd5726493cf1924a2eba663c1e9bef82aefd32e66"
                    "b4e1ef9248603f19a5a3d4beb57c4d6ce383f1c39ba358f66a1b57370f8603069cdfb344a205"
                    "a6af4e056448b8c80b63a795037d8cc5bbb34984a479f45a26b755285e7297b3ede99d77342d"
                    "bff68719f2d9a9158c4be6228f1aecce17e00301e2e26809b61dbe834d776bde5b23e6e39dc3"
                    "43ab986b785efbddc77030027c893bee963f3f8f44995d93dc3844319b1361745dda5947d05c"
                    "531d0de1f38d4daa4767e8260d43c426a307f6ceeb8be5f6915f4ed3c95c002b04f61556a8b1"
                    "7d5733c2d362684141f13115fdf6427969bfbc45d4ca0d9c0337f30f8794219fd858c02914de"
                    "fab551618f79493de620560352292ab53ece341d4070e046d6e4dae33bdd514ab194bf66db88"
                    "8b644bfe7762286c5dcdc189ee757e2e88dcd4227f0163e8f11c1df26076172feabe6f8af2b7"
                    "0538e3f1401c0d1b21ce6b799575c1c8e5fcbb5482ca6f1b7cef544fc307ceb745053cb5ea88"
                    "d9af61114869874d92f134b6f505d5a3b5e775f92aec2a8b5b48f8b7614773fe08d2e39983d1"
                    "519e14202ae42042b0ab2eca746437ef5986ec65e42ebdcbaa6a80ba044dd21a1fdf051eaa45"
                    "a34697045940e52e82b1f87f5e5380e79219343a20b9fe122cd52e5ad891aa6c6c9162dd9e8a"
                    "005cd32cc4e0de650a1c8bae2d4b763f32d41a79c74caef0f4ccd12dace96f8f8fb85a27c475"
                    "905286fa24fb42c05f43a21f5f5c07eb40dc3d8db1a308151d76f1bcf515ed7ed1252de8e471"
                    "60c2152016759ca7ee30a3bffd8765a0b91706eb1e9b40a95ca1b919f051d71f780095b74e2d"
                    "d2fc0e756f8181f511945c46c86f19787357ae7b6f599bbf0474ab18053f0da2e0c1ac835b58"
                    "7ce47c19e4a59bc42014a5b25f8c7ea6eb68ad8628e952a4fe17d222aef4a7f759438c567498"
                    "764512669354278df3ececea193352e63d8e7cdc2b4f6ed3a574220006bc9ad713cd7e148571"
                    "52b1d310dc69f748d5b4c666156fa98d73eabc328b255f8b4fc9ffef71ec1bab155c667725ba"
                    "ea5efb8d1c6e6504021cf01416376b7ad850a1c99d2cee248643492639c59bd758f98a167ca4"
                    "90b51d285133908dc3daee55ce21d2dce9ad1bb07c06a6f9a86360fbea52fc01ae421ccdf781"
                    "a07a31c3d52299428deb5eb922c8779e3e3268dc6e564d1f0608bba24427cee25921ddc00d83"
                    "cb3da9655dbc5fc6bc07cc13d33562a9ab4a2e0a3de5b126e62a50eb63e32f4df7033d42b5a0"
                    "3ba31e6ab5517a24c503680013868f634683a1480efe1b557443975bf66e81489bf62fdf9eb4"
                    "a3b0f2f415eaecc5d0c7ca8c4466a9c30b24ca215bb46653445486a864e87429e0719ba4aa6c"
                    "14aeb5b7765da77f3c4210cb52c8ca20105ac11418e7905febd063227e4aad40a6d004f63c5e"
                    "af167bc43bbcdbd4cd4b84da57e0be0b9662792bd882de1403f1f6970ec47ecb0cf8530d590b"
                    "a122bd48d5c53d0a156b3ec40765c04ce94fc8fc9cd99e3a14410dd30a5c79e2a1fbb456bd26"
                    "bbfbad423b139d84",
            },
            {
                .what = "counter above 2^32",
                .to_responder = true,
                .counter = UINT64_C(4294967301),
                .padding = 9,
                .plain = "4500001712340000403b54760a0000010a000002616263",
                .message =
                    "04000000d4c3b2a105000000010000000c6063d23f0ce6bce68b2abd2fadd0606075a07afd6b"
                    "463896aac6aed2a76216519750c957b69b4e8addf9fb4d2a68ca",
            },
            {
                .what = "counter near 2^60 (REKEY_AFTER_MESSAGES)",
                .to_responder = true,
                .counter = UINT64_C(1152921504606846977),
                .padding = 0,
                .plain = "",
                .message = "04000000d4c3b2a101000000000000106e99b529e3e79de95535c33b030a4714",
            },
        },
    },
    {
        .name = "B",
        .initiator_index = 0xffffffffU,
        .responder_index = 0x00000000U,
        .s_i = "78fe48ba19f255d1ecedfe8cd3caa4e2d1e9f6ec6721af7de72b6ebcd8245d51",
        .s_r = "3040d14bc5506067e7bc00540c967b094cf9bbf82b17c6c9713759027e500969",
        .e_i = "28ec8d300ab05c0fe95af9aa73a55cf83189582ac0d3f2cfbba426fbc63f6a69",
        .e_r = "c040b508706ec294ff20245604224996bdc35c1afedce216fbcbcecfa4062d60",
        .psk = "0000000000000000000000000000000000000000000000000000000000000000",
        .tai64n = "400000000000000b00000000",
        .S_i = "d8866f24f13f3634e524e70ee8487b2175390f905829abbb5ca7221103722875",
        .S_r = "13d48b1b565e7cf27835ad38a2f17b30b72b06fb2a617da55982e22980a09462",
        .E_i = "6ce2d3d00078fa9818df9707f96a8c371fb4ab12fb8fcdc455f39d47cb832935",
        .E_r = "3df0c8f1aac7bbd4e765a323b056e94114c890804acfd1f5fae718598b113a79",
        .mac1_key_r = "4873df021108fe4d815f0c121721c5203b8ef18ba65c03b5e2fa82c10ead5531",
        .mac1_key_i = "e4a46492aa352b5ccaee900cc8ac7368148110be624c42a8d3f3f58e15c026c1",
        .cookie_key_r = "b873482b82948c2055985323c07c15ee255b533280c27b920425c3f3367e2076",
        .cookie_key_i = "3b679a331d9c106ca88573c4c1a27419f3e6447c970457ce8d2ff18fe25450f8",
        .i_h_s_r = "57e1ef09ad76513f6a8fbc2876ebf6349cd9fe6fc2938499de2fe836f3c30541",
        .i_h_e = "a7346698218bc25bbb6205effa6cab185f6d8e745cfdeffec2d01bdde9cf26d0",
        .i_ck_e = "9c8dffa33c335ee34949c809691449fd30014ab1ca4559217ee8cbc5faf5f03b",
        .i_es = "287277c43809aaf66f2b6a43a74e6d80c535daf72df8e5559f565a4645d67611",
        .i_ck_es = "f29afbca919bb2724f47d40515d0722bb602a850cc7fba121e7ba808c7da8a6f",
        .i_k_es = "c6ee2a3a4da0000f5397bc5ac3ad381edee17c4bbd57d2579d5d52940daf704c",
        .i_enc_static =
            "d6a6ac1e0beb98f0b04f65ee9d891812f144829c1a77e047a90411850e708b8d52699312a03a"
            "fb0d1baa285948194e41",
        .i_h_s = "c1dd30ff2fdecdf242808e771be702bf906fa091be3e27c99cfef91080893a2b",
        .i_ss = "bf9239977961bcb9feb4272fbdebbba4a3a4a1d15c1347cce2bb84b4c397c516",
        .i_ck_ss = "0271028af551f40a283f54f48dd738240bc978105a4655849b59f1b485fde46c",
        .i_k_ss = "e647a166b3d395bfa8f95dbe109fbad69cf9f78cf272c42700f696030adccc77",
        .i_enc_timestamp = "387be80ee382e83d19c35e990a7c2cbd9e796e298d50f7609d6b4d2c",
        .i_h_t = "2aa426efedbd130e81ef43bbe4a9f9c11716cb473c5d1a6d1959e10bf7db8032",
        .i_mac1 = "e726aab8b8ab8c68e2f1f178c97cd799",
        .initiation =
            "01000000ffffffff6ce2d3d00078fa9818df9707f96a8c371fb4ab12fb8fcdc455f39d47cb83"
            "2935d6a6ac1e0beb98f0b04f65ee9d891812f144829c1a77e047a90411850e708b8d52699312"
            "a03afb0d1baa285948194e41387be80ee382e83d19c35e990a7c2cbd9e796e298d50f7609d6b"
            "4d2ce726aab8b8ab8c68e2f1f178c97cd79900000000000000000000000000000000",
        .r_h_e = "2dd0a3917426c13ae584ce9655015d9a328fc7bf92fbc635096df42ba01c03b1",
        .r_ck_e = "38423759833bc97030c8ac2b13e6c9dce47c27cd75a2facea2b05e90c5631c82",
        .r_ee = "e6c8f51e4d24e62f04596a22297798693a1bd12c951d3aa29557186adbdae706",
        .r_ck_ee = "def1e7a4cee98b2bb5ed9f33f86715529a2dda76360262c8de497288c3c4da62",
        .r_se = "5b1f232b5b56c6e8a0ae9384fe9a82f5649ebe5ee22437504ebdc4e8bc8b636b",
        .r_ck_se = "7238de51ce70bd253ab2b56d50f8900e57d0efddb4dfc0da1c37e3f6f6e20d7a",
        .r_ck_psk = "3e1d4b52c7babff5a9bbe23ccad6d09a3a701fcd529e808463b8bb2547d8571b",
        .r_tau = "aa0110b650b795ef7d7d392d4176e94ca7ce9ae4701bf89d51d1ed8cf187f0fb",
        .r_k_psk = "b7268d0cc6b40a988ea6a16dfa898310d45703f52c02c39d4ec8dffd77b77bc0",
        .r_h_tau = "5bf4b6817d4b27f6e75df1bd6a99a9cc3791d070c233b1e9547d16a5b7b10bb0",
        .r_enc_nothing = "7ae5a0a246b993f1ffdbba6bfbe25ce7",
        .r_h = "8392d16a1ac1c9c31dfce94b4ac50a8defb6da36e014bba2248065945999e174",
        .r_mac1 = "f0a0cd6b8105ffda8af53627a6b4943f",
        .response =
            "0200000000000000ffffffff3df0c8f1aac7bbd4e765a323b056e94114c890804acfd1f5fae7"
            "18598b113a797ae5a0a246b993f1ffdbba6bfbe25ce7f0a0cd6b8105ffda8af53627a6b4943f"
            "00000000000000000000000000000000",
        .key_to_responder = "4ae009066d7252e65259cd8c0a172da5cebc7d582f64e68f56298c1856128b53",
        .key_to_initiator = "4f4a9a08886c94ae17f006599b36eb946e45ea5fd33897cd13e858a975f902c6",
        .data = {
            {
                .what = "keepalive: first packet of the initiator, confirms the session",
                .to_responder = true,
                .counter = UINT64_C(0),
                .padding = 0,
                .plain = "",
                .message = "040000000000000000000000000000004c29dfdc3051e93ac5c128f4b5ca8389",
            },
            {
                .what = "IPv4 ICMP echo, 84 bytes, padded to 96",
                .to_responder = true,
                .counter = UINT64_C(1),
                .padding = 12,
                .plain =
                    "4500005412340000400154730a0000010a000002080089747777000100010203040506070809"
                    "0a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
                    "3031323334353637",
                .message =
                    "04000000000000000100000000000000bdbd7ed31d355a16fff40e7d9ae70426310ca99a4bd5"
                    "2ea15fe36d7c429fae9b019eb09f7b45a3ca63e8ea21080b8f0a8934c2b9d099ace424eccacf"
                    "dbd934d1c344ae9229aa046ed607cd2e6630dd060c20cca7deb5198f4c342a497bbeae32c7a1"
                    "3f99d6e11541134cb5868dcfcaa6",
            },
            {
                .what = "reply direction, IPv4 ICMP echo 84 bytes",
                .to_responder = false,
                .counter = UINT64_C(0),
                .padding = 12,
                .plain =
                    "4500005412340000400154730a0000020a000001080089747777000100010203040506070809"
                    "0a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
                    "3031323334353637",
                .message =
                    "04000000ffffffff000000000000000003fdee4b08d038b70c3a6ac1d072f207dd9f72571075"
                    "9df43e9e826f75087efafb7f9155a2f579704f5e7a1ccda75f96f22bc99f2a14bfc5665d8966"
                    "c4379fa964feaef1dcadc67753c124a222421acf53314ee7c7b56fac165295495f64661cad7e"
                    "f7fa386042ab64e10f8c6477c8a6",
            },
            {
                .what = "IPv6 UDP-sized, 48 bytes, no padding needed",
                .to_responder = true,
                .counter = UINT64_C(2),
                .padding = 0,
                .plain =
                    "6000000000083b40fd000000000000000000000000000001fd00000000000000000000000000"
                    "00020000000000000000",
                .message =
                    "040000000000000002000000000000002ae76356c8df338180fa4cb6c9a1b890c2a18ac5714b"
                    "dc4079641fc0dd31a9c6114274ff9ebc989ad56e34be6a273867b8ab263c5ea33d528db71024"
                    "a5723cc5",
            },
            {
                .what = "20-byte IPv4 header only, padded to 32",
                .to_responder = true,
                .counter = UINT64_C(3),
                .padding = 12,
                .plain = "4500001412340000403b54790a0000010a000002",
                .message =
                    "04000000000000000300000000000000c68606572a4a62d6ee99c0643b94627c788d3e03559c"
                    "6a05c744a97c5a35608cb5c498aa37325d477c04d9627f30e987",
            },
            {
                .what = "1420 bytes at MTU 1420: padding clamped to 0",
                .to_responder = true,
                .counter = UINT64_C(4),
                .padding = 0,
                .plain =
                    "4500058c12340000403b4f010a0000010a00000200070e151c232a31383f464d545b62697077"
                    "7e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81"
                    "888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b"
                    "9299a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e252c333a41484f565d646b727980878e95"
                    "9ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f363d444b525960676e757c838a91989f"
                    "a6adb4bbc2c9d0d7dee5ecf3fa01080f161d242b323940474e555c636a71787f868d949ba2a9"
                    "b0b7bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b828990979ea5acb3"
                    "bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858c939aa1a8afb6bd"
                    "c4cbd2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7"
                    "ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1"
                    "d8dfe6edf4fb020910171e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4db"
                    "e2e9f0f7fe050c131a21282f363d444b525960676e757c838a91989fa6adb4bbc2c9d0d7dee5"
                    "ecf3fa01080f161d242b323940474e555c636a71787f868d949ba2a9b0b7bec5ccd3dae1e8ef"
                    "f6fd040b121920272e353c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f9"
                    "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc03"
                    "0a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d"
                    "141b222930373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1d8dfe6edf4fb02091017"
                    "1e252c333a41484f565d646b727980878e959ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21"
                    "282f363d444b525960676e757c838a91989fa6adb4bbc2c9d0d7dee5ecf3fa01080f161d242b"
                    "323940474e555c636a71787f868d949ba2a9b0b7bec5ccd3dae1e8eff6fd040b121920272e35"
                    "3c434a51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f"
                    "464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f262d343b4249"
                    "50575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c53"
                    "5a61686f767d848b9299a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e252c333a41484f565d"
                    "646b727980878e959ca3aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f363d444b52596067"
                    "6e757c838a91989fa6adb4bbc2c9d0d7dee5ecf3fa01080f161d242b323940474e555c636a71"
                    "787f868d949ba2a9b0b7bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b"
                    "828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e85"
                    "8c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81888f"
                    "969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b9299"
                    "a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e252c333a41484f565d646b727980878e959ca3"
                    "aab1b8bfc6cdd4dbe2e9f0f7fe050c131a21282f363d444b525960676e757c838a91989fa6ad"
                    "b4bbc2c9d0d7dee5ecf3fa01080f161d242b323940474e555c636a71787f868d949ba2a9b0b7"
                    "bec5ccd3dae1e8eff6fd040b121920272e353c434a51585f666d747b828990979ea5acb3bac1"
                    "c8cfd6dde4ebf2f900070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cb"
                    "d2d9e0e7eef5fc030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5"
                    "dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1d8df"
                    "e6edf4fb020910171e252c333a41",
                .message =
                    "0400000000000000040000000000000066632aeed823ba3d93bb9f25afc9a7b66e1147368f52"
                    "8dbaf359ee6e0aa7e6837eeaae0dfbbdd0b20624d80b022a944a2ee2d7d44de5b49a0e2339ea"
                    "18e14d2b8dbdaf40528674f5a8289069aca07bc8196b33d674618484eb8fccdfc8caea82540c"
                    "9783578d5eff4384922ebca3e8ba96205668b1463b53ad547e1753f7295cdf880bb734be6cd1"
                    "b89f5705242dfbf673317b908e3d5abe373c5a73e976374ebca9668171e3de652cf199aef0dd"
                    "0988e1ecf9382df1ee63824b681acad0677b00899500fb549a277cf17fbcd7405890a47ce1f9"
                    "577bdfd2e2a182dc5aad90ab7b3f6966a29e22e5253d94000589f6db9247a334828a3d47e71b"
                    "bbd9ba08e01eb6b76085e2004de7ce20685bc8f9fdfc458b6bc3047fde78e76146b4a9db4563"
                    "9c13e92adb0f6362904a23a15fd6883e635c188134f49b7ea7d835b9c4ac3395110ebb57c741"
                    "51b4d87a8223162550de82da84d18e636f786b99d8b5b44408229af65467cd96516559124fa4"
                    "28307fe48ea367b19ff219c7157625bf0b96d01ffe85446b799dd88ffe0bfd8cbff6b60a4020"
                    "1d7751fb06f5d32dcbaf748adcbc256c7cca001e797fd6b9f2340a6592e565fe3ec209bc791c"
                    "9b142a7ffe4919fdc0d5b8257b51c1ad76c99107db040cff15a9a62cd79a3f25cc5cc0f2948f"
                    "25b71f1f0d87259e0faf44be94a5a6e0117d8a3260626880979e854c70f06c919e28f18e6fb7"
                    "4103f357d0f942facea242b27d7e71aed2d0a8e2bad8e842d2ef3fb6fb8d258688236cfd62de"
                    "def546f9dcd0a1c84f51a4c2dc1fab9120eea41d999b360400ea2cb134a997ec214506552fa4"
                    "f0c9043f9e32688f44938c282f2572b4e1ab9e8488956b2a85fb670acb34d7207881ede4af8a"
                    "4352e19ad3b2ec03fac7b3f6739f1504f5458b33f256abca1d91976a7d2570bd56626de26d77"
                    "66e8d5c2dc853fdef6494e5e0e992b27a9a87c04dc2d561c79986a7a92eed30ad29de1984b1a"
                    "c92f6324d52e99498cf366bea8cdd5bf0c2c33c5b83b5110e9b20a8f5a4f575e757a84a2ea57"
                    "f1f18b08afa26d0caef01ebb2d746c94b33b1b285316d271448e27f0637d6caa547ce64d3b25"
                    "09e19992a28c44f45f814d625d7f28731a32dc6e23f3a6cf3b261aa766c49d85d58341b552a7"
                    "23d2434d52d449e8a69e43afd815dd7c29cf432f7c6c778d4fe6f908c04d203d5131dbdb25d6"
                    "7aa64804bc09a554f2456fa51cd5171078dda1330731063eacefb57e193464eec1899880f497"
                    "dd9ba0c4e04ff5b41568e2daf99a3c957ecb09ff016f623ccaab90e1a0e25faf90ff6580f3c3"
                    "cc1a9fa10950795573819ff11bc5b18b771b8c38c4502214149bf37f8138d8cff749a215d7d8"
                    "64133d8f32899b83e644ee51d853d10bef16577dcc32b91a766dc10c76516b9e62462a1a8b41"
                    "7597638fe7e9c030b0008e8dfeda2f45a15ef7cc345489e2ac0cbdd74c3b448b31f8f94e16d5"
                    "1e560faf70271b4c6a4c7293f448502f937f018c0b4fe9efc586223ae60a840c5b29f7fa3a73"
                    "e7fec6524eaa284a7cf9b7c1b595e9fdbcacaf14593b758872abaf60590ed8ce121d89ba71ca"
                    "1ec09a5e9351465401373c37b43e49dc6b256e203dc34c83ebb82835d9c187b841a40a550d19"
                    "a200db40daaec739b6271642dbdcab7ffc688fd824bf119277a17a40d16a3c7925874ca3026f"
                    "a8bdcfc851b2f6ba6a10f9d8e37654ff05462db6232f329efc69f2581d463cab977809f624ea"
                    "dc68b58d593630ebffae275c486c298089b3546834be8bd33f96974a6d44ed46a2ab01dc90a1"
                    "aed121f344707a7ff318b78ca4800be1d7e69c93bae345166a52d09034359b07539da9167541"
                    "2d1e4a079969f3175fbf987bc6f81d79da2b0f64ba536012c5c215dca58539beae3afdeb903c"
                    "0d8e00afe514b2c8cab174b16462f10a41c7d375c6fdfa4d1c71723ac3e7e35c8af02bd9c77c"
                    "e6145795a38b809f8050fb8e3413cd1407255b8f239274e4f4ae0aceaa9a4fce995e564cf5c5"
                    "d1904c96ed194748",
            },
            {
                .what = "1409 bytes at MTU 1420: padded to 1420, not 1424",
                .to_responder = true,
                .counter = UINT64_C(5),
                .padding = 11,
                .plain =
                    "4500058112340000403b4f0c0a0000010a00000200050a0f14191e23282d32373c41464b5055"
                    "5a5f64696e73787d82878c91969ba0a5aaafb4b9bec3c8cdd2d7dce1e6ebf0f5faff04090e13"
                    "181d22272c31363b40454a4f54595e63686d72777c81868b90959a9fa4a9aeb3b8bdc2c7ccd1"
                    "d6dbe0e5eaeff4f9fe03080d12171c21262b30353a3f44494e53585d62676c71767b80858a8f"
                    "94999ea3a8adb2b7bcc1c6cbd0d5dadfe4e9eef3f8fd02070c11161b20252a2f34393e43484d"
                    "52575c61666b70757a7f84898e93989da2a7acb1b6bbc0c5cacfd4d9dee3e8edf2f7fc01060b"
                    "10151a1f24292e33383d42474c51565b60656a6f74797e83888d92979ca1a6abb0b5babfc4c9"
                    "ced3d8dde2e7ecf1f6fb00050a0f14191e23282d32373c41464b50555a5f64696e73787d8287"
                    "8c91969ba0a5aaafb4b9bec3c8cdd2d7dce1e6ebf0f5faff04090e13181d22272c31363b4045"
                    "4a4f54595e63686d72777c81868b90959a9fa4a9aeb3b8bdc2c7ccd1d6dbe0e5eaeff4f9fe03"
                    "080d12171c21262b30353a3f44494e53585d62676c71767b80858a8f94999ea3a8adb2b7bcc1"
                    "c6cbd0d5dadfe4e9eef3f8fd02070c11161b20252a2f34393e43484d52575c61666b70757a7f"
                    "84898e93989da2a7acb1b6bbc0c5cacfd4d9dee3e8edf2f7fc01060b10151a1f24292e33383d"
                    "42474c51565b60656a6f74797e83888d92979ca1a6abb0b5babfc4c9ced3d8dde2e7ecf1f6fb"
                    "00050a0f14191e23282d32373c41464b50555a5f64696e73787d82878c91969ba0a5aaafb4b9"
                    "bec3c8cdd2d7dce1e6ebf0f5faff04090e13181d22272c31363b40454a4f54595e63686d7277"
                    "7c81868b90959a9fa4a9aeb3b8bdc2c7ccd1d6dbe0e5eaeff4f9fe03080d12171c21262b3035"
                    "3a3f44494e53585d62676c71767b80858a8f94999ea3a8adb2b7bcc1c6cbd0d5dadfe4e9eef3"
                    "f8fd02070c11161b20252a2f34393e43484d52575c61666b70757a7f84898e93989da2a7acb1"
                    "b6bbc0c5cacfd4d9dee3e8edf2f7fc01060b10151a1f24292e33383d42474c51565b60656a6f"
                    "74797e83888d92979ca1a6abb0b5babfc4c9ced3d8dde2e7ecf1f6fb00050a0f14191e23282d"
                    "32373c41464b50555a5f64696e73787d82878c91969ba0a5aaafb4b9bec3c8cdd2d7dce1e6eb"
                    "f0f5faff04090e13181d22272c31363b40454a4f54595e63686d72777c81868b90959a9fa4a9"
                    "aeb3b8bdc2c7ccd1d6dbe0e5eaeff4f9fe03080d12171c21262b30353a3f44494e53585d6267"
                    "6c71767b80858a8f94999ea3a8adb2b7bcc1c6cbd0d5dadfe4e9eef3f8fd02070c11161b2025"
                    "2a2f34393e43484d52575c61666b70757a7f84898e93989da2a7acb1b6bbc0c5cacfd4d9dee3"
                    "e8edf2f7fc01060b10151a1f24292e33383d42474c51565b60656a6f74797e83888d92979ca1"
                    "a6abb0b5babfc4c9ced3d8dde2e7ecf1f6fb00050a0f14191e23282d32373c41464b50555a5f"
                    "64696e73787d82878c91969ba0a5aaafb4b9bec3c8cdd2d7dce1e6ebf0f5faff04090e13181d"
                    "22272c31363b40454a4f54595e63686d72777c81868b90959a9fa4a9aeb3b8bdc2c7ccd1d6db"
                    "e0e5eaeff4f9fe03080d12171c21262b30353a3f44494e53585d62676c71767b80858a8f9499"
                    "9ea3a8adb2b7bcc1c6cbd0d5dadfe4e9eef3f8fd02070c11161b20252a2f34393e43484d5257"
                    "5c61666b70757a7f84898e93989da2a7acb1b6bbc0c5cacfd4d9dee3e8edf2f7fc01060b1015"
                    "1a1f24292e33383d42474c51565b60656a6f74797e83888d92979ca1a6abb0b5babfc4c9ced3"
                    "d8dde2e7ecf1f6fb00050a0f14191e23282d32373c41464b50555a5f64696e73787d82878c91"
                    "969ba0a5aaafb4b9bec3c8cdd2d7dce1e6ebf0f5faff04090e13181d22272c31363b40454a4f"
                    "54595e63686d72777c81868b90959a9fa4a9aeb3b8bdc2c7ccd1d6dbe0e5eaeff4f9fe03080d"
                    "12171c",
                .message =
                    "0400000000000000050000000000000061d21e86719b6678f3afb266ab38d41c8797c3abf5cb"
                    "55ca5a9dce55c2321b4337282193f2215a60b66d7096d250667b3d962197610740e206619d26"
                    "c305a9bbcf7358a61d6d54faefcbb6cb2166e301e679596a00fe1ec896aa9e834e983d4543be"
                    "b134098fafd6e504667b3f6424c391ba4aa875de8d46f810b6e873c072c1113578efc2cb2c18"
                    "9d97f2885ffe59ba110ba2981cad3f2a36374078bcb85f97048006ad55af9cb44f58b0e6ba1f"
                    "48d0013a86762b7aee3995182e91e5975e15c66f6e47775654ac9d8a1857843ff9898d757af8"
                    "87b7d5dbd9e86f7a79d80cc0f3af85e252631447473a028e8e46d9c31aa41ee09d54bf161e32"
                    "5719b75210743ed72a0fb186e4c92594b52fe89148cf42b57ba4e218d67b046808664b1e8f74"
                    "0d54ec386b4138b3d86ce525330510da00743bffe833fb6fb2f851584415322d83f2a7b50e82"
                    "102b63f068d658d079c04ff67643a76def1e0944aa17e41c57416235f77433de5c1a0827473e"
                    "ebf2a0eb13f6603b2cb8b6e6548a22969bd423de16b95c4ea95659e324206398d7e44b80b864"
                    "a4b0f06e82386804107c833649a2d052052199625efbc65c4d4cd5b0eeee5f9132efdfcfdd16"
                    "fc0191fe6dfaf04d73024c3a76d24857aec3e932184b9ccbb8abe84e9da7996048f11b202b2b"
                    "fbef3e28ed304c4770a686e0bc5230f8d377adc0d3ea2d58972ab569e975df9083b23de03bd6"
                    "ca48bf5d2e6c29ff1fed0b127c20fd81ef37fe3ff10caab4fb1bced0321ed1ef3937d2f8c32a"
                    "eff80ac52ab7b8416a8d083afc033861d62df162bc7942884a1437141dda7619bd9fdd74fc1c"
                    "2611b8b9be842835163896c9028a7cbc6af035e9a36ac381054a273341ca853b1daa00454710"
                    "627407a6985fc39fa29e6252e9fb9c49f4b0953cced0642fa5bf5ace4ab869549673b1733b4e"
                    "c95c6c37d02dfb036ee02dfb0523eab2b318c1574b05d16c5239e028d1828e2b2fae67a88fbe"
                    "2ff0f4b9e51f6b688103f9cb276eb9e650d6873eaa5f23c82614a3a1e10e9f374faee0c8f4dd"
                    "b46a79acc9136c2421236ee06ecc0bd575295569ebb4d471f883e7b7733ec1ee2f7fad5b3498"
                    "50fd359d9771279d859ceaca6bec51c5884e1e3e635e90529b3447b56657d2e57a9f2f9def33"
                    "5a736dcf298518cf482b9f8fdf6eb9ef8e05c9c343432bca0ea9f057fda0f9fcb0bce0857438"
                    "5db10c762f10165c041dfa0cab0c79b4a20ef25b7dbe31d9598563fb6fe967190dfc7729a3ce"
                    "313d484a74558c0b48fb2fb047d65ec3f1dc5c18ea07dadfd433fda73c4411f863e6d5eb1e36"
                    "508b71a13f383e49895f7c5947023182aeee9270ccbc0def2a37b458d27f41b12d0757727800"
                    "15848dc31b9e8a7b0ecd55fc484b13405bc54d3c1e628084fb00959e12cf8fb4bbaa9fbeffdb"
                    "0e372ac919c39bf8a186010d9a518158707074dd3dd20d129ee247dfc5f9ff3b3d0402761205"
                    "1240fe5c2477d755eb3a3aafa9d507b77b475e84664fdc0975593c963f442c3fa3e1fd1d64a1"
                    "3148fb443437e9d588394f5b57f045ce2608925696811d3e13c08d35db7c8cb3464685145f3a"
                    "54bf04d2bf793ba91f799698472a1965ebc5c51344cd510560c424cc3cd928eb41a80eb8959b"
                    "e74fd7a18670cded0cf3b13a0427f4a2484d1ee9818bf535377fc9117ca0e48169f6fdbeba5f"
                    "4b29c5bf6ba85b1b23463cbf7286dbfac7453dd5628b2dd734e120f1952997b7231466e9ef78"
                    "28e2bbfd70e1e2e64b2556d290e648487fba6be44d993c795cd000ecc5b762fa61a2eb3c98b2"
                    "659e83741d21db7a84f9821ee1287493c0d000f2e47095c16feadc6a4897190ff597f590dbb8"
                    "6a02450f9b606019ab85f2240436cc7f0ce83c725bce3cccc16235d91aab393b377431f53c5b"
                    "4ad091377fbaa679170a4d88ed5bf78a776f3e4d561e43beb53762d47402f843b8343c7b9155"
                    "454c34daf10cabe489523b8f72ac79cde98c3edc3218d327173e9731de756e0d85e8074b3bd2"
                    "bff2703b1ec530e4",
            },
            {
                .what = "counter above 2^32",
                .to_responder = true,
                .counter = UINT64_C(4294967301),
                .padding = 9,
                .plain = "4500001712340000403b54760a0000010a000002616263",
                .message =
                    "04000000000000000500000001000000fe25e530348823769bd303db6ad0fc9dfd1af69154b0"
                    "343c11d362fe20cb64bf06b4a133d0f5bc4ca332867c47270a1f",
            },
            {
                .what = "counter near 2^60 (REKEY_AFTER_MESSAGES)",
                .to_responder = true,
                .counter = UINT64_C(1152921504606846977),
                .padding = 0,
                .plain = "",
                .message = "040000000000000001000000000000106506c706bfb2153f52c98b90a833fbc8",
            },
        },
    },
};

/* A cookie reply to a message of handshake A, and the next initiation, which carries the cookie. */
struct vector_cookie {
    const char *what;
    bool to_response; /* the initiator is under load */
    const char *secret, *source_ip;
    uint16_t source_port;
    const char *cookie, *nonce, *reply;
    const char *next_tai64n, *next_initiation; /* NULL: not given */
};

static const struct vector_cookie vector_cookies[] = {
    {
        .what = "IPv4 192.0.2.33:51820",
        .to_response = false,
        .secret = "7edac0414727406d2c48ca3798cbbfd0f8fe2d666e9ff115a3bfbc6d370eb6d8",
        .source_ip = "c0000221",
        .source_port = 51820,
        .cookie = "e8d7fb74377cc0aba28430a109e508d2",
        .nonce = "180fff7846c6fd706130502123d5c0f881802d63221ce31b",
        .reply =
            "0300000004030201180fff7846c6fd706130502123d5c0f881802d63221ce31bc4157fa89ec1"
            "ab003bdaf92a3d3c1a876a5e1abf6262fc2e386e02b763514336",
        .next_tai64n = "400000006553f10f00000000",
        .next_initiation =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e457e10ac46273a0c4bda37d1970f35caa723d"
            "9d8a3cfe96341a6ed11f2357af0f13f7fcb01d1672d8b1f848a324752b5bb6650b47",
    },
    {
        .what = "IPv6 [2001:db8::5]:4500",
        .to_response = false,
        .secret = "7edac0414727406d2c48ca3798cbbfd0f8fe2d666e9ff115a3bfbc6d370eb6d8",
        .source_ip = "20010db8000000000000000000000005",
        .source_port = 4500,
        .cookie = "52030a87b1e58983bd6a0fa7cd44d47f",
        .nonce = "180fff7846c6fd706130502123d5c0f881802d63221ce31b",
        .reply =
            "0300000004030201180fff7846c6fd706130502123d5c0f881802d63221ce31b7ec18e5b1858"
            "e2282434c62cf99dc62a1b1567439db9880f97a257b1bea39708",
        .next_tai64n = "400000006553f10f00000000",
        .next_initiation =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e457e10ac46273a0c4bda37d1970f35caa723d"
            "9d8a3cfe96341a6ed11f2357af0f13f7fcb0e5f72fbbf176eff727a9f067f13aee47",
    },
    {
        .what = "cookie reply to a handshake RESPONSE (the initiator is under load)",
        .to_response = true,
        .secret = "7edac0414727406d2c48ca3798cbbfd0f8fe2d666e9ff115a3bfbc6d370eb6d8",
        .source_ip = "c6336407",
        .source_port = 51821,
        .cookie = "015547003417043e25085af710f71076",
        .nonce = "180fff7846c6fd706130502123d5c0f881802d63221ce31b",
        .reply =
            "03000000d4c3b2a1180fff7846c6fd706130502123d5c0f881802d63221ce31bb881524db1c3"
            "9556587d23bc129eb97b8b8e8f410c1365f418bce82aa669c7e0",
    },
};

/* Messages of handshake A that went wrong on the way. */
struct vector_negative {
    const char *what;
    bool repeated;        /* what is asked about is the second delivery */
    enum wgt_drop expect; /* OK: accepted, however odd */
    const char *message;
    const char *plain; /* of an accepted data message */
};

static const struct vector_negative vector_negative_responder[] = {
    {
        .what = "type byte 5",
        .repeated = false,
        .expect = WGT_DROP_MESSAGE_TYPE,
        .message =
            "05000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0c231b2298e544b4209c5ba2478cffb0c00000000000000000000000000000000",
    },
    {
        .what = "reserved byte 1 set",
        .repeated = false,
        .expect = WGT_DROP_MESSAGE_TYPE,
        .message =
            "01010000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0c231b2298e544b4209c5ba2478cffb0c00000000000000000000000000000000",
    },
    {
        .what = "147 bytes",
        .repeated = false,
        .expect = WGT_DROP_MESSAGE_LENGTH,
        .message =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0c231b2298e544b4209c5ba2478cffb0c000000000000000000000000000000",
    },
    {
        .what = "149 bytes",
        .repeated = false,
        .expect = WGT_DROP_MESSAGE_LENGTH,
        .message =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0c231b2298e544b4209c5ba2478cffb0c0000000000000000000000000000000000",
    },
    {
        .what = "mac1 bit flipped",
        .repeated = false,
        .expect = WGT_DROP_MAC1,
        .message =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0c331b2298e544b4209c5ba2478cffb0c00000000000000000000000000000000",
    },
    {
        .what = "sender index changed, mac1 stale",
        .repeated = false,
        .expect = WGT_DROP_MAC1,
        .message =
            "01000000050302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0c231b2298e544b4209c5ba2478cffb0c00000000000000000000000000000000",
    },
    {
        .what = "sender index changed, mac1 fixed",
        .repeated = false,
        .expect = WGT_OK,
        .message =
            "01000000050302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a00d3fa5695a598e36ec36e077c111a6e600000000000000000000000000000000",
    },
    {
        .what = "ephemeral bit 254 (last byte bit 6) flipped, mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_STATIC,
        .message =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd2cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0cc2c2a9f1525dbc99c13a1f3848bfc1100000000000000000000000000000000",
    },
    {
        .what = "ephemeral top bit (last byte bit 7) flipped, mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_STATIC,
        .message =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cdecb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0cbd282827e3e1dac7d8fd944d10a7bba00000000000000000000000000000000",
    },
    {
        .what = "encrypted_static bit flipped, mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_STATIC,
        .message =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb32ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0bbb04f94b7c60c913c5bfb96a4cab6fc00000000000000000000000000000000",
    },
    {
        .what = "encrypted_timestamp bit flipped, mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_TIMESTAMP,
        .message =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c385b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0bd562fd2b3eadb8655d8a3dca8ef5b0900000000000000000000000000000000",
    },
    {
        .what = "ephemeral = low-order point (all-zero), mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_DH,
        .message =
            "0100000004030201000000000000000000000000000000000000000000000000000000000000"
            "0000b22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a064e47a75f0d8ee3830adfff82bc9ff9900000000000000000000000000000000",
    },
    {
        .what = "ephemeral = low-order point (one), mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_DH,
        .message =
            "0100000004030201010000000000000000000000000000000000000000000000000000000000"
            "0000b22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0ad6599f69f6ef0de6c04d71239bfa38300000000000000000000000000000000",
    },
    {
        .what = "all fields zero, mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_DH,
        .message =
            "0100000000000000000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000000000000000000"
            "0000c6830296227939862ec019b30e72647600000000000000000000000000000000",
    },
    {
        .what = "exact replay",
        .repeated = true,
        .expect = WGT_DROP_HANDSHAKE_REPLAY,
        .message =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0c231b2298e544b4209c5ba2478cffb0c00000000000000000000000000000000",
    },
    {
        .what = "mac2 non-zero garbage, not under load",
        .repeated = false,
        .expect = WGT_OK,
        .message =
            "01000000040302014a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6cb22ec2b393d4f398d642326263291789c077ece2bd4e6e419f24dbda6d56e44b3136f1cc"
            "b4ed91dd26265bacc39ba965c285b2edc53cc0e150e10ac44095ac6cebc53a15e91a90f504fd"
            "25a0c231b2298e544b4209c5ba2478cffb0c55555555555555555555555555555555",
    },
    {
        .what = "valid initiation by an unknown static key",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_UNKNOWN_PEER,
        .message =
            "01000000010000004a5d757e578a40e1f0a80be47960c1546a8c4a5fb219f18bbf100f101a76"
            "cd6c8d9b5b0fa68307da5d125d98e245780b8ae136d67ea8bde711c5d93b144efc33949130fd"
            "62758400bca6dbd7a31e8ff5dd43b478b0250ff69304b0d4943b7d233cf5fbc07c710ecc770f"
            "6d7b4c64df0d7e605728fe87cd9eeadcb50000000000000000000000000000000000",
    },
};

static const struct vector_negative vector_negative_initiator[] = {
    {
        .what = "receiver index unknown, mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_INDEX,
        .message =
            "02000000d4c3b2a105030201058a580328ff5c9812be04a1017b1fec522586914d72e35d627f"
            "3b2e6e3b8700cfd9ffeaa978f736d5b4a13d55a94abcdaa3372e7c4fab7b2bb7706e1f889692"
            "00000000000000000000000000000000",
    },
    {
        .what = "ephemeral changed, mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_TAG,
        .message =
            "02000000d4c3b2a104030201048a580328ff5c9812be04a1017b1fec522586914d72e35d627f"
            "3b2e6e3b8700cfd9ffeaa978f736d5b4a13d55a94abc2bcfdb9150377063b81192ea7aa717bb"
            "00000000000000000000000000000000",
    },
    {
        .what = "encrypted_nothing bit flipped, mac1 fixed",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_TAG,
        .message =
            "02000000d4c3b2a104030201058a580328ff5c9812be04a1017b1fec522586914d72e35d627f"
            "3b2e6e3b8700ced9ffeaa978f736d5b4a13d55a94abcc86ae8c067d22dbcfcd69d4dfc9a355c"
            "00000000000000000000000000000000",
    },
    {
        .what = "responder used a different PSK",
        .repeated = false,
        .expect = WGT_DROP_HANDSHAKE_TAG,
        .message =
            "02000000d4c3b2a104030201058a580328ff5c9812be04a1017b1fec522586914d72e35d627f"
            "3b2e6e3b8700eb318dd0ed41a0429114e8775af540f6628af62fd2b8a2846ef5a9084c39386b"
            "00000000000000000000000000000000",
    },
    {
        .what = "sender index changed, mac1 fixed",
        .repeated = false,
        .expect = WGT_OK,
        .message =
            "02000000d5c3b2a104030201058a580328ff5c9812be04a1017b1fec522586914d72e35d627f"
            "3b2e6e3b8700cfd9ffeaa978f736d5b4a13d55a94abc79f19074dc268109d11fcc63a6348ee8"
            "00000000000000000000000000000000",
    },
    {
        .what = "response delivered twice",
        .repeated = true,
        .expect = WGT_DROP_HANDSHAKE_STATE,
        .message =
            "02000000d4c3b2a104030201058a580328ff5c9812be04a1017b1fec522586914d72e35d627f"
            "3b2e6e3b8700cfd9ffeaa978f736d5b4a13d55a94abc03114d2341c69b9320bb9038b47d4255"
            "00000000000000000000000000000000",
    },
};

static const struct vector_negative vector_negative_data[] = {
    {
        .what = "31 bytes",
        .repeated = false,
        .expect = WGT_DROP_MESSAGE_SHORT,
        .message = "04000000d4c3b2a101000000000000003148037b3b7e45c68a1d7baa4f9f3e",
    },
    {
        .what = "unknown receiver index",
        .repeated = false,
        .expect = WGT_DROP_DATA_INDEX,
        .message =
            "040000000909090901000000000000003148037b3b7e45c68a1d7baa4f9f3e2d2ff31f97e236"
            "46af72417405f5df37a57e5af6246886ec6c309feb0f6d4cdc987e02ea6f96eecae2bb5df4fd"
            "902b5665728f0fd2ae3b7ef6127493a24d78dd4ce39dcfcdd896b37d477e77788c495fbef4e4"
            "1225147532f405530f188dc95a2a",
    },
    {
        .what = "tag bit flipped",
        .repeated = false,
        .expect = WGT_DROP_DATA_TAG,
        .message =
            "04000000d4c3b2a101000000000000003148037b3b7e45c68a1d7baa4f9f3e2d2ff31f97e236"
            "46af72417405f5df37a57e5af6246886ec6c309feb0f6d4cdc987e02ea6f96eecae2bb5df4fd"
            "902b5665728f0fd2ae3b7ef6127493a24d78dd4ce39dcfcdd896b37d477e77788c495fbef4e4"
            "1225147532f405530f188dc95a2b",
    },
    {
        .what = "counter changed",
        .repeated = false,
        .expect = WGT_DROP_DATA_TAG,
        .message =
            "04000000d4c3b2a100000000000000003148037b3b7e45c68a1d7baa4f9f3e2d2ff31f97e236"
            "46af72417405f5df37a57e5af6246886ec6c309feb0f6d4cdc987e02ea6f96eecae2bb5df4fd"
            "902b5665728f0fd2ae3b7ef6127493a24d78dd4ce39dcfcdd896b37d477e77788c495fbef4e4"
            "1225147532f405530f188dc95a2a",
    },
    {
        .what = "replay",
        .repeated = true,
        .expect = WGT_DROP_DATA_REPLAY,
        .message =
            "04000000d4c3b2a101000000000000003148037b3b7e45c68a1d7baa4f9f3e2d2ff31f97e236"
            "46af72417405f5df37a57e5af6246886ec6c309feb0f6d4cdc987e02ea6f96eecae2bb5df4fd"
            "902b5665728f0fd2ae3b7ef6127493a24d78dd4ce39dcfcdd896b37d477e77788c495fbef4e4"
            "1225147532f405530f188dc95a2a",
    },
    {
        .what = "source address not in allowed IPs",
        .repeated = false,
        .expect = WGT_OK,
        .message =
            "04000000d4c3b2a164000000000000004827e5751924700125a1dd67abdae659c822cd3dd519"
            "0f80de5624736995582efe5a31c1cbc280277358d936abcaf554",
        .plain = "4500001412340000403b4b680a0909090a000002000000000000000000000000",
    },
    {
        .what = "IPv4 total length 100 > 32 received",
        .repeated = false,
        .expect = WGT_OK,
        .message =
            "04000000d4c3b2a16500000000000000c32745974f65b4c877412cd12b3acf5eab6e4c7b4c57"
            "cce8b47727accc288de817cfc97f9d5fd030edc32e49034fb926",
        .plain = "4500006412340000403b54790a0000010a000002000000000000000000000000",
    },
    {
        .what = "IPv4 total length 19 < 20",
        .repeated = false,
        .expect = WGT_OK,
        .message =
            "04000000d4c3b2a1660000000000000092a8f36f53620bcc75bc6a888a32e3a865022814b494"
            "aacdc9e75092649328850db7e4f0f74a8b8c2b634eaf1d059c10",
        .plain = "4500001312340000403b54790a0000010a000002000000000000000000000000",
    },
    {
        .what = "inner version nibble 5",
        .repeated = false,
        .expect = WGT_OK,
        .message =
            "04000000d4c3b2a16700000000000000105186810aa0b1e4bb56282c2b827d18a342dff742a7"
            "565b5d70e460b4769d9410f79354c701a2dd97bf8df57e880e1f",
        .plain = "5000000000000000000000000000000000000000000000000000000000000000",
    },
    {
        .what = "16 zero bytes (AmneziaWG>=3 keepalive with content padding)",
        .repeated = false,
        .expect = WGT_OK,
        .message =
            "04000000d4c3b2a1680000000000000028e7d8bba4d14adebd2ea74a442e074ebb322169fde5"
            "b96d4e5acb9fcd233940",
        .plain = "00000000000000000000000000000000",
    },
    {
        .what = "length exactly 33",
        .repeated = false,
        .expect = WGT_OK,
        .message = "04000000d4c3b2a16900000000000000f5ad6c760ebb1fc9a30a1736b9396829d9",
        .plain = "45",
    },
};

/* clang-format on */

#endif
