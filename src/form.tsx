import { useId, type ReactNode } from 'react';

import { APIError } from './api';

/** What the server says about each field of a form, and what it says about none. */
export function sortOut(
  error: APIError,
  fields: readonly string[]
): {
  byField: Map<string, string>;
  rest: APIError | null;
} {
  const byField = new Map<string, string>();
  const others = error.errors.filter(({ field, message }) => {
    const mine = fields.find(
      one => field === one || field.startsWith(`${one}.`)
    );
    if (mine) {
      byField.set(
        mine,
        [byField.get(mine), message].filter(Boolean).join('; ')
      );
    }
    return !mine;
  });
  const isAllTold = byField.size > 0 && others.length === 0;
  const { status, code, message, details, solution } = error;
  const rest = { code, message, details, solution, errors: others };
  return { byField, rest: isAllTold ? null : new APIError(status, rest) };
}

/** A control with its label, its help, and what is wrong with it. */
export function Field(props: {
  label: string;
  help?: string;
  error?: string;
  children: (id: string, described: string | undefined) => ReactNode;
}): JSX.Element {
  const id = useId();
  const { label, help, error } = props;
  return (
    <div className={error ? 'jp-mlws-Field jp-mod-wrong' : 'jp-mlws-Field'}>
      <label htmlFor={id}>{label}</label>
      {props.children(id, help || error ? `${id}-note` : undefined)}
      <div id={`${id}-note`}>
        {error && (
          <p className="jp-mlws-Field-error" role="alert">
            {error}
          </p>
        )}
        {help && <p className="jp-mlws-Hint">{help}</p>}
      </div>
    </div>
  );
}
