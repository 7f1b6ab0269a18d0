import type { ReactNode } from 'react';

import type { APIError } from '../api/client';
import { ErrorLink } from './helpLink';
import { trans } from './locale';
import { Button, Hint } from './controls';

/** Error: its message, the invalid fields, and the solution as text or buttons. */
export function Failure(props: {
  error: APIError;
  /** Buttons in place of the solution, which says how to do the same in a terminal. */
  actions?: ReactNode;
  onRetry?: () => void;
}): JSX.Element {
  const { error, actions, onRetry } = props;
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
      {error.code && <ErrorLink code={error.code} />}
      {actions && <div className="jp-mlws-Failure-actions">{actions}</div>}
      {onRetry && <Button onClick={onRetry}>{trans.__('Try Again')}</Button>}
    </div>
  );
}

/** Shown before the first response: that it is loading, or its error. */
export function Waiting(props: {
  error: APIError | null;
  onRetry: () => void;
}): JSX.Element {
  return props.error ? (
    <Failure error={props.error} onRetry={props.onRetry} />
  ) : (
    <Hint role="status">{trans.__('Loading…')}</Hint>
  );
}
