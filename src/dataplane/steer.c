/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/dataplane/steer.h>

#include <string.h>

#include <rte_thash.h>

#include <wgtcpd/wire/message.h>
#include <wgtcpd/wire/udp.h>

enum { WORDS = STEER_NIBBLES / 8, PORTS_LEN = 4 };

void
steer_init(struct steer *s, unsigned n_workers, const uint8_t key[STEER_KEY_LEN])
{
    s->n_workers = n_workers;
    memcpy(s->key, key, STEER_KEY_LEN);
    for (unsigned i = 0; i < STEER_TABLE; i++)
        s->workers[i] = (uint8_t)(i % n_workers);
    for (unsigned i = 0; i < STEER_NIBBLES; i++)
        for (uint32_t value = 0; value < 16; value++) {
            uint32_t words[WORDS] = {0};

            words[i / 8] = value << (28 - i % 8 * 4);
            s->nibbles[i][value] = rte_softrss(words, WORDS, key);
        }
}

/* at: where in the input the bytes stand. */
static uint32_t
hash_bytes(const struct steer *s, unsigned at, const uint8_t *p, size_t len)
{
    const uint32_t(*table)[16] = s->nibbles + 2 * (size_t)at;
    uint32_t hash = 0;

    for (size_t i = 0; i < len; i++)
        hash ^= table[2 * i][p[i] >> 4] ^ table[2 * i + 1][p[i] & 15];
    return hash;
}

uint32_t
steer_rss(const struct steer *s, const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    unsigned len = (unsigned)ip_addr_len(&local->addr);
    uint8_t ports[PORTS_LEN];

    put_be16(ports, remote->port);
    put_be16(ports + 2, local->port);
    return hash_bytes(s, 0, remote->addr.bytes, len) ^ hash_bytes(s, len, local->addr.bytes, len) ^
           hash_bytes(s, 2 * len, ports, PORTS_LEN);
}

static unsigned
steer_datagram(const struct steer *s, unsigned self, const uint8_t *udp, size_t len)
{
    const uint8_t *message = udp + UDP_HEADER_LEN;
    enum message_type type;
    unsigned worker;
    size_t udp_len;

    if (len < UDP_HEADER_LEN)
        return self;
    udp_len = get_be16(udp + 4); /* behind it may be padding */
    if (udp_len < UDP_HEADER_LEN || udp_len > len ||
        message_check(message, udp_len - UDP_HEADER_LEN, &type) != WGT_OK ||
        type == MESSAGE_INITIATION)
        return self;
    worker = message_index_worker(message_receiver(message, type));
    return worker < s->n_workers ? worker : self;
}

static unsigned
steer_segment(const struct steer *s, unsigned self, const struct ip_header *ip, const uint8_t *tcp)
{
    struct ip_endpoint local = {.addr = ip->dst}, remote = {.addr = ip->src};

    if (ip->payload_len < PORTS_LEN)
        return self;
    remote.port = get_be16(tcp);
    local.port = get_be16(tcp + 2);
    return steer_connection(s, &local, &remote);
}

unsigned
steer_packet(const struct steer *s, unsigned self, const uint8_t *packet,
             const struct ip_header *ip, const uint32_t *hash)
{
    const uint8_t *upper = packet + ip->header_len;

    if (ip->protocol == IP_PROTO_UDP)
        return steer_datagram(s, self, upper, ip->payload_len);
    if (ip->protocol != IP_PROTO_TCP)
        return self;
    return hash != NULL ? steer_hash(s, *hash) : steer_segment(s, self, ip, upper);
}
