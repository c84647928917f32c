/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks of a capture file (draft-ietf-opsawg-pcapng), as tcpdump and Wireshark read them. Pure.
 * Our own, since librte_pcapng knows Ethernet ports alone, and libpcap writes no pcapng. In the
 * byte order of this machine, as the section's header tells.
 */
#ifndef WGTCPD_CONTROL_PCAPNG_H
#define WGTCPD_CONTROL_PCAPNG_H

#include <wgtcpd/base/base.h>

enum {
    PCAPNG_BLOCK_MAX = 512,      /* of every block but a packet's */
    PCAPNG_PACKET_OVERHEAD = 48, /* bytes of a packet's block beside its data, padding included */
    PCAPNG_NAME_MAX = 128,       /* of a name that is longer the rest is left out */
};

/* https://www.tcpdump.org/linktypes.html */
enum pcapng_link { PCAPNG_ETHERNET = 1, PCAPNG_RAW = 101 };

enum pcapng_block {
    PCAPNG_SECTION = 0x0a0d0d0a,
    PCAPNG_INTERFACE = 1,
    PCAPNG_STATISTICS = 5,
    PCAPNG_PACKET = 6,
};

struct pcapng_packet {
    uint32_t interface; /* its number, in the order of the interfaces' blocks */
    uint64_t time_ns;   /* since 1970 */
    bool out;
    uint32_t len, captured; /* bytes of the packet; of data */
    const uint8_t *data;
};

/* Each returns the bytes written to out, which has room for PCAPNG_BLOCK_MAX, for a packet for
 * PCAPNG_PACKET_OVERHEAD and its data. */
size_t pcapng_section(uint8_t *out, const char *application);
size_t pcapng_interface(uint8_t *out, enum pcapng_link link, uint32_t snaplen, const char *name,
                        const char *description);
size_t pcapng_packet(uint8_t *out, const struct pcapng_packet *p);
/* missed: packets that were not captured for want of room. */
size_t pcapng_statistics(uint8_t *out, uint32_t interface, uint64_t time_ns, uint64_t missed);

#endif
