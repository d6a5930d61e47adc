// The pages, in the order of a day's work, with the key that leads to each.

import type { Place } from './router'

export type SectionId =
  | 'start' | 'desk' | 'chart' | 'runs' | 'promotion' | 'signals' | 'risk' | 'strategy' | 'trace'

export interface Section {
  id: SectionId
  name: string
  href: string
  key: string
}

const START: Section = { id: 'start', name: 'Start', href: '#/', key: 'h' }

export const SECTIONS: readonly Section[] = [
  START,
  { id: 'desk', name: 'Desk', href: '#/desk', key: 'd' },
  { id: 'chart', name: 'Chart', href: '#/chart', key: 'c' },
  { id: 'runs', name: 'Runs', href: '#/runs', key: 'r' },
  { id: 'promotion', name: 'Promotion', href: '#/promotion', key: 'p' },
  { id: 'signals', name: 'Signals', href: '#/signals', key: 's' },
  { id: 'risk', name: 'Risk', href: '#/risk', key: 'k' },
  { id: 'strategy', name: 'Strategy', href: '#/strategy', key: 'y' },
  { id: 'trace', name: 'Trace', href: '#/trace', key: 't' },
]

export function sectionOf({ path }: Place): Section {
  return SECTIONS.find((each) => each.id === path[0]) ?? START
}
