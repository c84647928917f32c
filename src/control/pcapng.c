/* SPDX-License-Identifier: BSD-3-Clause */
#include <wgtcpd/control/pcapng.h>

/* Sections 3.5, 4.1 to 4.3, 4.6 */
enum {
    OPTION_END = 0,
    SECTION_APPLICATION = 4,
    INTERFACE_NAME = 2,
    INTERFACE_DESCRIPTION = 3,
    INTERFACE_RESOLUTION = 9,
    PACKET_FLAGS = 2,
    STATISTICS_DROPPED = 5,
    RESOLUTION_NS = 9, /* 10^-9 s */
    FLAG_INBOUND = 1,
    FLAG_OUTBOUND = 2,
};

/* --- pieces: each returns where the next one goes --- */

static uint8_t *
put16(uint8_t *to, uint16_t v)
{
    memcpy(to, &v, sizeof(v));
    return to + sizeof(v);
}

static uint8_t *
put32(uint8_t *to, uint32_t v)
{
    memcpy(to, &v, sizeof(v));
    return to + sizeof(v);
}

static uint8_t *
put64(uint8_t *to, uint64_t v)
{
    memcpy(to, &v, sizeof(v));
    return to + sizeof(v);
}

/* The upper half first, in whichever byte order (section 4.3). */
static uint8_t *
put_time(uint8_t *to, uint64_t ns)
{
    return put32(put32(to, (uint32_t)(ns >> 32)), (uint32_t)ns);
}

/* Padded to 32 bits. */
static uint8_t *
put_bytes(uint8_t *to, const void *data, uint32_t len)
{
    uint32_t padding = -len & 3;

    memcpy(to, data, len);
    memset(to + len, 0, padding);
    return to + len + padding;
}

static uint8_t *
put_option(uint8_t *to, uint16_t code, const void *value, uint16_t len)
{
    return put_bytes(put16(put16(to, code), len), value, len);
}

static uint8_t *
put_text(uint8_t *to, uint16_t code, const char *text)
{
    return put_option(to, code, text, (uint16_t)strnlen(text, PCAPNG_NAME_MAX));
}

/* Room for the length comes before it is known. */
static uint8_t *
begin(uint8_t *out, enum pcapng_block type)
{
    return put32(put32(out, type), 0);
}

static size_t
end(uint8_t *out, uint8_t *to)
{
    uint32_t len;

    to = put_option(to, OPTION_END, "", 0);
    len = (uint32_t)(to - out) + sizeof(len);
    put32(to, len);
    put32(out + sizeof(uint32_t), len);
    return len;
}

/* --- blocks --- */

size_t
pcapng_section(uint8_t *out, const char *application)
{
    uint8_t *to = begin(out, PCAPNG_SECTION);

    to = put32(to, 0x1a2b3c4d);  /* byte order */
    to = put16(put16(to, 1), 0); /* version */
    to = put64(to, UINT64_MAX);  /* length of the section: not known */
    return end(out, put_text(to, SECTION_APPLICATION, application));
}

size_t
pcapng_interface(uint8_t *out, enum pcapng_link link, uint32_t snaplen, const char *name,
                 const char *description)
{
    uint8_t *to = begin(out, PCAPNG_INTERFACE);
    uint8_t resolution = RESOLUTION_NS;

    to = put16(put16(to, (uint16_t)link), 0);
    to = put32(to, snaplen);
    to = put_text(to, INTERFACE_NAME, name);
    to = put_text(to, INTERFACE_DESCRIPTION, description);
    return end(out, put_option(to, INTERFACE_RESOLUTION, &resolution, sizeof(resolution)));
}

size_t
pcapng_packet(uint8_t *out, const struct pcapng_packet *p)
{
    uint8_t *to = begin(out, PCAPNG_PACKET);
    uint32_t flags = p->out ? FLAG_OUTBOUND : FLAG_INBOUND;

    to = put_time(put32(to, p->interface), p->time_ns);
    to = put32(put32(to, p->captured), p->len);
    to = put_bytes(to, p->data, p->captured);
    return end(out, put_option(to, PACKET_FLAGS, &flags, sizeof(flags)));
}

size_t
pcapng_statistics(uint8_t *out, uint32_t interface, uint64_t time_ns, uint64_t missed)
{
    uint8_t *to = begin(out, PCAPNG_STATISTICS);

    to = put_time(put32(to, interface), time_ns);
    return end(out, put_option(to, STATISTICS_DROPPED, &missed, sizeof(missed)));
}
