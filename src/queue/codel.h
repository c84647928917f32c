/* SPDX-License-Identifier: BSD-3-Clause */
/* CoDel's decision about one packet at the head of a flow. */
#ifndef QUEUE_CODEL_H
#define QUEUE_CODEL_H

#include <wgtcpd/queue/fq_codel.h>

void codel_init(struct codel *c);
/* The flow has run empty. */
void codel_empty(struct codel *c);

enum codel_verdict { CODEL_PASS, CODEL_PUNISH };

/* The head has stood for `sojourn` and `behind` bytes stand behind it. CODEL_PUNISH: mark it, or
 * drop it and ask again about the next. */
enum codel_verdict codel_judge(struct codel *c, wgt_time now, wgt_time sojourn, uint32_t behind,
                               const struct fq_limits *limits);

#endif
