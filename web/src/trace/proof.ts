// How a link came out, and links that say the same put together.

import type { Proof, TraceLink } from '../api/types'

export function proofOf(link: TraceLink): Proof {
  if (link.status) return link.status
  return link.is_equal === true ? 'equal' : link.is_equal === false ? 'differs' : 'not checkable'
}

const FEW = 3

/** Give links in order; more than a few of one kind in a row that all came out the same are one group. */
export function grouped(links: readonly TraceLink[]): TraceLink[][] {
  const groups: TraceLink[][] = []
  for (const link of links) {
    const before = groups.at(-1)
    const isAlike = before?.[0]?.kind === link.kind && proofOf(before[0]) === 'equal' && proofOf(link) === 'equal'
    if (before && isAlike) before.push(link)
    else groups.push([link])
  }
  return groups.flatMap((group) => (group.length > FEW ? [group] : group.map((link) => [link])))
}
