import { Button } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactNode } from 'react';

import type { APIError } from '../api/client';
import { ErrorLink } from './helpLink';

/** An error: its message, the fields, and the solution, in words or as buttons. */
export function Failure(props: {
  error: APIError;
  trans: TranslationBundle;
  /** Buttons in place of the solution, which says how to do the same in a terminal. */
  actions?: ReactNode;
  onRetry?: () => void;
}): JSX.Element {
  const { error, trans, actions, onRetry } = props;
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
      {error.solution && !actions && <div>{error.solution}</div>}
      {error.code && <ErrorLink code={error.code} trans={trans} />}
      {actions && <div className="jp-mlws-Failure-actions">{actions}</div>}
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
