import { Button, closeIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { Failure } from '../ui/errorBox';
import { fileSize } from '../ui/format';
import type { IOperation } from '../api/models';
import type { Works } from './works';

/** "3 MB of 12 MB, 1.5 MB/s"; "" where nothing is counted. */
export function progressText(
  operation: IOperation | null,
  language: string,
  trans: TranslationBundle
): string {
  if (!operation || (operation.done === 0 && !operation.total)) {
    return '';
  }
  const isBytes = operation.unit === 'B';
  const amount = (value: number) =>
    isBytes
      ? fileSize(Math.round(value), language)
      : Math.round(value).toLocaleString(language);
  const { done, total, rate } = operation;
  const counted = total
    ? trans.__('%1 of %2', amount(done), amount(total))
    : amount(done);
  return isBytes && rate ? `${counted}, ${amount(rate)}/s` : counted;
}

/** Long work in its place: how far it is and a way to stop it, or how it ended. */
export function WorkView(props: {
  works: Works;
  about: string;
  language: string;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { works, about, language, trans } = props;
  const work = works.get(about);
  if (!work) {
    return null;
  }
  const dismiss = (
    <Button small={true} onClick={() => works.dismiss(about)}>
      {trans.__('Close')}
    </Button>
  );
  if (work.state === 'failed') {
    return (
      <div className="jp-mlws-Work">
        {work.error && <Failure error={work.error} trans={trans} />}
        {dismiss}
      </div>
    );
  }
  if (work.state === 'cancelled') {
    return (
      <p className="jp-mlws-Note jp-mlws-Work" role="status">
        {trans.__('%1: canceled', work.label)} {dismiss}
      </p>
    );
  }
  const { operation } = work;
  const part = operation?.total
    ? Math.min(operation.done / operation.total, 1)
    : undefined;
  const text = progressText(operation, language, trans);
  return (
    <div className="jp-mlws-Work jp-mod-running" role="status">
      {work.error && <Failure error={work.error} trans={trans} />}
      <span className="jp-mlws-Work-label">{work.label}</span>
      <progress aria-label={work.label} value={part} max={1} />
      <span className="jp-mlws-Work-text">{text}</span>
      <button
        className="jp-mlws-IconButton"
        data-mlws-action="cancel"
        title={trans.__('Cancel')}
        aria-label={trans.__('Cancel: %1', work.label)}
        disabled={!operation}
        onClick={() => void works.cancel(about)}
      >
        <closeIcon.react tag="span" width="16px" />
      </button>
    </div>
  );
}
