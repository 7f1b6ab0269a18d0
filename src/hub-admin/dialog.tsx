import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useRef, type ReactNode } from 'react';

import type { IQuestion } from '../containers/words';

/** The browser's own modal dialog: it keeps the focus, and Escape closes it. */
export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="jp-mlws-Dialog"
      aria-label={props.title}
      onClose={props.onClose}
    >
      <h2>{props.title}</h2>
      {props.children}
    </dialog>
  );
}

/** Asks before something ends; the harmless answer has the focus. */
export function Confirmation(props: {
  question: IQuestion;
  trans: TranslationBundle;
  onAnswer: (accepted: boolean) => void;
}): JSX.Element {
  const { question, trans, onAnswer } = props;
  return (
    <Dialog title={question.title} onClose={() => onAnswer(false)}>
      <p>{question.lost}</p>
      <p>{question.kept}</p>
      <div className="jp-mlws-Buttons">
        <button
          className="jp-mod-styled jp-mod-reject"
          autoFocus={true}
          onClick={() => onAnswer(false)}
        >
          {trans.__('Cancel')}
        </button>
        <button
          className="jp-mod-styled jp-mod-warn"
          data-mlws-action="confirm"
          onClick={() => onAnswer(true)}
        >
          {question.accept}
        </button>
      </div>
    </Dialog>
  );
}
