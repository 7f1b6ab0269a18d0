import { closeIcon } from '@jupyterlab/ui-components';

import type { MLWSClient } from '../api/client';
import { Button } from '../ui/controls';
import { Failure } from '../ui/errorBox';
import { fileSize } from '../ui/format';
import { IconButton } from '../ui/iconButton';
import type { IOperation } from '../api/models';
import { language, trans } from '../ui/locale';
import { useOperation, type OperationTracker } from './tracker';

/** "3 MB of 12 MB, 1.5 MB/s"; "" without counts. */
function progressText(operation: IOperation | null): string {
  if (!operation || (operation.done === 0 && !operation.total)) {
    return '';
  }
  const isBytes = operation.unit === 'B';
  const amount = (value: number) =>
    isBytes
      ? fileSize(Math.round(value))
      : Math.round(value).toLocaleString(language);
  const { done, total, rate } = operation;
  const amounts = total
    ? trans.__('%1 of %2', amount(done), amount(total))
    : amount(done);
  return isBytes && rate ? `${amounts}, ${amount(rate)}/s` : amounts;
}

/** An operation in its place: how far it is and a way to stop it, or how it ended. */
export function OperationView(props: {
  tracker: OperationTracker;
  place: string;
  client: MLWSClient;
  /** Starts a failed one again. */
  onRetry?: () => void;
}): JSX.Element | null {
  const { tracker, place, onRetry } = props;
  const tracked = useOperation(tracker, place);
  if (!tracked) {
    return null;
  }
  const { label, state, operation, error } = tracked;
  const dismiss = (
    <Button onClick={() => tracker.dismiss(place)}>{trans.__('Close')}</Button>
  );
  if (state === 'failed') {
    return (
      <div className="jp-mlws-Work">
        {error && <Failure error={error} onRetry={onRetry} />}
        {dismiss}
      </div>
    );
  }
  if (state === 'cancelled') {
    return (
      <p className="jp-mlws-Note jp-mlws-Work" role="status">
        {trans.__('%1: canceled', label)} {dismiss}
      </p>
    );
  }
  const part = operation?.total
    ? Math.min(operation.done / operation.total, 1)
    : undefined;
  return (
    <div className="jp-mlws-Work jp-mod-running" role="status">
      {error && <Failure error={error} />}
      <span className="jp-mlws-Work-label">{label}</span>
      <progress aria-label={label} value={part} max={1} />
      <span className="jp-mlws-Work-text">{progressText(operation)}</span>
      <IconButton
        icon={closeIcon}
        data-mlws-action="cancel"
        label={trans.__('Cancel')}
        aria-label={trans.__('Cancel: %1', label)}
        disabled={!operation}
        onClick={() => void tracker.cancel(place)}
      />
    </div>
  );
}
