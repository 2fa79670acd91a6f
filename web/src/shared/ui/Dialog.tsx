import { useEffect, useId, useRef, type ReactNode } from "react";

import { useTexts } from "../i18n";
import { Button, Trouble } from "./parts";

/** The platform's own dialog: it keeps the focus, and Escape closes it. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={box} className="dialog" aria-labelledby={id} onCancel={onClose} onClose={onClose}>
      <div className="stack">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface AskProps {
  title: string;
  words: string;
  action: string;
  busy: boolean;
  error: unknown;
  onYes: () => void;
  onNo: () => void;
}

/** Asks before something that is not easily undone. */
export function AskFirst({ title, words, action, busy, error, onYes, onNo }: AskProps) {
  const texts = useTexts();
  return (
    <Dialog title={title} onClose={onNo}>
      <p>{words}</p>
      <Trouble error={error} />
      <div className="row">
        <Button kind="danger" disabled={busy} onClick={onYes}>
          {action}
        </Button>
        <Button onClick={onNo}>{texts.cancel}</Button>
      </div>
    </Dialog>
  );
}
