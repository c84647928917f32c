/* SPDX-License-Identifier: BSD-3-Clause */
#include "vlan.h"

#include <wgtcpd/wire/eth.h>

/* IEEE 802.1Q 9.6: priority (3 bits), drop eligible (1), VLAN ID (12). */
enum { VLAN_ID_MASK = 0xfff, ADDRESSES_LEN = 2 * ETH_ADDR_LEN };

static bool
strip_by_hardware(struct rte_mbuf *m, uint16_t vlan)
{
    return (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 && (m->vlan_tci & VLAN_ID_MASK) == vlan;
}

static bool
strip_by_software(struct rte_mbuf *m, uint16_t vlan)
{
    uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

    if (rte_pktmbuf_data_len(m) < ETH_HEADER_LEN + ETH_VLAN_TAG_LEN ||
        get_be16(frame + ADDRESSES_LEN) != ETH_VLAN ||
        (get_be16(frame + ADDRESSES_LEN + 2) & VLAN_ID_MASK) != vlan)
        return false;
    memmove(frame + ETH_VLAN_TAG_LEN, frame, ADDRESSES_LEN);
    rte_pktmbuf_adj(m, ETH_VLAN_TAG_LEN);
    return true;
}

uint16_t
vlan_strip_burst(const struct port *p, struct wgt_drop_counters *drops, struct rte_mbuf **frames,
                 uint16_t n)
{
    uint16_t left = 0;

    for (uint16_t i = 0; i < n; i++) {
        struct rte_mbuf *m = frames[i];

        if (p->vlan_strip ? strip_by_hardware(m, p->vlan) : strip_by_software(m, p->vlan)) {
            frames[left++] = m;
            continue;
        }
        wgt_drop_count(drops, WGT_DROP_ETH_VLAN);
        rte_pktmbuf_free(m);
    }
    return left;
}

static void
insert_by_hardware(struct rte_mbuf *m, uint16_t vlan)
{
    m->vlan_tci = vlan;
    m->ol_flags |= RTE_MBUF_F_TX_VLAN;
}

/* The Ethernet header lies in the headroom and is ours, whoever else owns the packet. */
static bool
insert_by_software(struct rte_mbuf *m, uint16_t vlan)
{
    uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(m, ETH_VLAN_TAG_LEN);

    if (frame == NULL)
        return false;
    memmove(frame, frame + ETH_VLAN_TAG_LEN, ADDRESSES_LEN);
    put_be16(frame + ADDRESSES_LEN, ETH_VLAN);
    put_be16(frame + ADDRESSES_LEN + 2, vlan);
    m->l2_len = ETH_HEADER_LEN + ETH_VLAN_TAG_LEN;
    return true;
}

uint16_t
vlan_insert_burst(const struct port *p, struct wgt_drop_counters *drops, struct rte_mbuf **frames,
                  uint16_t n)
{
    uint16_t left = 0;

    for (uint16_t i = 0; i < n; i++) {
        struct rte_mbuf *m = frames[i];

        if (p->vlan_insert) {
            insert_by_hardware(m, p->vlan);
        } else if (!insert_by_software(m, p->vlan)) {
            wgt_drop_count(drops, WGT_DROP_NO_BUFFER);
            rte_pktmbuf_free(m);
            continue;
        }
        frames[left++] = m;
    }
    return left;
}
