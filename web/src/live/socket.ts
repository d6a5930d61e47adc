// The live socket: carries out what the machine asks for, and hands messages on.

import { session } from '../api/session'
import { EXPIRED, type Effect, type Link, type LinkEvent, next, OFF } from './machine'
import type { LiveMessage } from './messages'

const TICKS_TO_RENEW = 60

export class LiveSocket {
  link: Link = OFF
  private socket: WebSocket | null = null
  private wait: number | undefined
  private ticks: number | undefined
  private ticked = 0
  private token = ''
  private readonly listeners = new Set<() => void>()
  private readonly onMessage: (message: LiveMessage) => void

  constructor(onMessage: (message: LiveMessage) => void) {
    this.onMessage = onMessage
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  snapshot = (): Link => this.link

  start(): void {
    this.feed({ type: 'start' })
    this.ticks ??= window.setInterval(() => this.tick(), 1000)
  }

  stop(): void {
    window.clearInterval(this.ticks)
    window.clearTimeout(this.wait)
    this.ticks = undefined
    this.feed({ type: 'stop' })
  }

  private tick(): void {
    this.feed({ type: 'tick', at: Date.now() })
    this.ticked += 1
    if (this.ticked % TICKS_TO_RENEW === 0) void this.renew()
  }

  private feed(event: LinkEvent): void {
    const before = this.link
    const [link, effects] = next(before, event)
    this.link = link
    for (const effect of effects) this.run(effect)
    if (link !== before) for (const listener of this.listeners) listener()
  }

  private run(effect: Effect): void {
    if (effect.do === 'connect') void this.connect(effect.withNewToken)
    else if (effect.do === 'greet') this.socket?.send(JSON.stringify({ token: this.token }))
    else if (effect.do === 'close') this.close()
    else {
      if (effect.withNewToken) void session.token(true).catch(() => undefined)
      this.wait = window.setTimeout(() => this.feed({ type: 'due' }), effect.ms)
    }
  }

  private async connect(withNewToken: boolean): Promise<void> {
    try {
      this.token = await session.token(withNewToken)
    } catch {
      // Signing in is the session's to ask for; here the link is only not there yet.
      this.feed({ type: 'closed', code: EXPIRED, at: Date.now(), chance: Math.random() })
      return
    }
    if (this.link.phase !== 'connecting') return
    const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws'
    const socket = new WebSocket(`${scheme}://${window.location.host}/api/live`)
    this.socket = socket
    socket.onopen = () => this.of(socket, { type: 'opened' })
    socket.onclose = (end) =>
      this.of(socket, { type: 'closed', code: end.code, at: Date.now(), chance: Math.random() })
    socket.onmessage = (event: MessageEvent<string>) => {
      if (socket !== this.socket) return
      this.feed({ type: 'heard', at: Date.now() })
      this.onMessage(JSON.parse(event.data) as LiveMessage)
    }
  }

  /** What a socket says that was replaced does not count. */
  private of(socket: WebSocket, event: LinkEvent): void {
    if (socket === this.socket) this.feed(event)
  }

  private close(): void {
    const socket = this.socket
    this.socket = null
    socket?.close(1000)
    if (this.link.phase !== 'off') {
      this.feed({ type: 'closed', code: 1006, at: Date.now(), chance: Math.random() })
    }
  }

  private async renew(): Promise<void> {
    const token = await session.token().catch(() => this.token)
    if (token === this.token) return
    this.token = token
    this.feed({ type: 'renewed' })
  }
}
