// A page that fails is shown as a failure; the rest of the desk goes on.

import { Component, type ReactNode } from 'react'
import { Failure } from './states'

interface State {
  error: unknown
}

export class Boundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null }

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === null) return this.props.children
    return <Failure error={error} retry={() => this.setState({ error: null })} />
  }
}
