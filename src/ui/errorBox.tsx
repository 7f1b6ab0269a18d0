import { Button } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { APIError } from '../api/client';
import { ErrorLink } from './helpLink';

/** An error: its message, the fields, and the solution. */
export function Failure(props: {
  error: APIError;
  trans: TranslationBundle;
  onRetry?: () => void;
}): JSX.Element {
  const { error, trans, onRetry } = props;
  return (
    <div className="jp-mlws-Failure" role="alert">
      <div className="jp-mlws-Failure-message">{error.message}</div>
      {error.errors.length > 0 && (
        <ul>
          {error.errors.map((fault, index) => (
            <li key={index}>
              {fault.field && <code>{fault.field}</code>} {fault.message}
            </li>
          ))}
        </ul>
      )}
      {error.solution && <div>{error.solution}</div>}
      {error.code && <ErrorLink code={error.code} trans={trans} />}
      {onRetry && (
        <Button small={true} onClick={onRetry}>
          {trans.__('Try Again')}
        </Button>
      )}
    </div>
  );
}

/** Shown before the first response: that it is loading, or its error. */
export function Waiting(props: {
  error: APIError | null;
  trans: TranslationBundle;
  onRetry: () => void;
}): JSX.Element {
  return props.error ? (
    <Failure error={props.error} trans={props.trans} onRetry={props.onRetry} />
  ) : (
    <p className="jp-mlws-Hint" role="status">
      {props.trans.__('Loading…')}
    </p>
  );
}
