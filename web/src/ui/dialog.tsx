// A modal dialog: the browser's own, so that focus stays inside and Escape leaves it. It begins at
// what is marked `data-focus`.

import { type ReactNode, useEffect, useId, useRef } from 'react'

interface DialogProps {
  title: string
  tone?: 'calm' | 'grave'
  onClose: () => void
  children: ReactNode
}

export function Dialog({ title, tone = 'calm', onClose, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const dialog = box.current
    dialog?.showModal()
    dialog?.querySelector<HTMLElement>('[data-focus]')?.focus()
    return () => dialog?.close()
  }, [])
  return (
    <dialog
      ref={box}
      className={tone}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" className="close" aria-label="Close" onClick={onClose}>×</button>
      </header>
      {children}
    </dialog>
  )
}
