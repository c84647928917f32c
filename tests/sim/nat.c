/* SPDX-License-Identifier: BSD-3-Clause */
/* The NAT before node 0. */
#include <wgtcpd/wire/udp.h>

#include "network_internal.h"

enum { NAT_PORT_STEP = 251 };

unsigned
nat_epoch(const struct network *n, wgt_time now)
{
    unsigned epoch = 0;

    for (unsigned i = 0; i < n->config.n_rebinds; i++)
        epoch += now >= n->config.rebinds[i];
    return epoch;
}

static struct ip_addr
nat_public(const struct network *n, unsigned epoch)
{
    struct ip_addr a = n->config.private;

    a.bytes[ip_addr_len(&a) - 1] = (uint8_t)(200 + epoch);
    return a;
}

/* Ports are shifted, so that both are known from one another; never to 0. */
static uint16_t
nat_port(uint16_t port, unsigned epoch, bool outward)
{
    int32_t shift = (int32_t)((epoch + 1) * NAT_PORT_STEP);

    return (uint16_t)((port - 1 + (outward ? shift : 65535 - shift)) % 65535 + 1);
}

/* Writes changed addresses and ports into a packet whose checksums are right. */
bool
nat_rewrite(struct network *n, unsigned epoch, bool outward, uint8_t *packet, size_t len)
{
    struct ip_addr public = nat_public(n, epoch);
    struct tcp_segment tcp;
    struct udp_header udp;
    struct ip_header was, ip;
    uint8_t *upper;

    if (ip_parse(packet, len, true, &was) != WGT_OK ||
        (!outward && !ip_addr_equal(&was.dst, &public)))
        return false;
    ip = was;
    *(outward ? &ip.src : &ip.dst) = outward ? public : n->config.private;
    upper = packet + ip.header_len;
    if (ip.protocol == IP_PROTO_UDP && udp_parse(&was, upper, true, &udp) == WGT_OK) {
        uint16_t *port = outward ? &udp.src_port : &udp.dst_port;

        *port = nat_port(*port, epoch, outward);
        udp_write(upper, &ip.src, &ip.dst, udp.src_port, udp.dst_port, udp.payload.len, true);
    } else if (ip.protocol == IP_PROTO_TCP && tcp_parse(&was, upper, true, &tcp) == WGT_OK) {
        uint16_t *port = outward ? &tcp.src_port : &tcp.dst_port;

        if (tcp_header_len(&tcp) != ip.payload_len - tcp.payload.len)
            return false;
        *port = nat_port(*port, epoch, outward);
        tcp_write(upper, &ip.src, &ip.dst, &tcp, true);
    } else {
        return false;
    }
    ip_write(packet, &ip);
    return true;
}
