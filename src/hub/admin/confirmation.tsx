import { trans } from '../../ui/locale';
import { Dialog } from '../containers/dialog';
import type { IQuestion } from '../containers/labels';

/** Confirmation dialog; the safe answer has the focus. */
export function Confirmation(props: {
  question: IQuestion;
  onAnswer: (accepted: boolean) => void;
}): JSX.Element {
  const { question, onAnswer } = props;
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
