// Links of a chain that say the same, put together.

import type { TraceLink } from '../api/types'

const FEW = 3

/** Give links in order; more than a few of one kind in a row that all came out the same are one group. */
export function grouped(links: readonly TraceLink[]): TraceLink[][] {
  const groups: TraceLink[][] = []
  for (const link of links) {
    const before = groups.at(-1)
    const isAlike = before?.[0]?.kind === link.kind && before[0].status === 'equal' && link.status === 'equal'
    if (before && isAlike) before.push(link)
    else groups.push([link])
  }
  return groups.flatMap((group) => (group.length > FEW ? [group] : group.map((link) => [link])))
}
