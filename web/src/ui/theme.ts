// Dark or light: the system's choice, until a person makes another.

import { useSyncExternalStore } from 'react'

export type Choice = 'system' | 'dark' | 'light'
export type Theme = 'dark' | 'light'

const KEPT = 'trading-assets.theme'
const CHOICES: readonly Choice[] = ['system', 'dark', 'light']
const system = window.matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()
let choice: Choice = CHOICES.find((each) => each === localStorage.getItem(KEPT)) ?? 'system'

function shown(): Theme {
  if (choice !== 'system') return choice
  return system.matches ? 'dark' : 'light'
}

/** Set the theme on the page; called once before anything is drawn, and after each change. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = shown()
  for (const listener of listeners) listener()
}

export function nextChoice(): void {
  choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length] ?? 'system'
  localStorage.setItem(KEPT, choice)
  applyTheme()
}

system.addEventListener('change', applyTheme)

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, shown)
export const useChoice = (): Choice => useSyncExternalStore(subscribe, () => choice)
