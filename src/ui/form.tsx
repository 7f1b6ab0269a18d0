import {
  useId,
  useState,
  type InputHTMLAttributes,
  type ReactNode
} from 'react';

import { APIError, apiError } from '../api/client';
import { Failure } from './errorBox';
import { trans } from './locale';
import { Hint } from './controls';

/** Splits an error into the messages of each field, and the rest. */
export function splitError(
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
  const isComplete = byField.size > 0 && others.length === 0;
  const { status, code, message, details, solution } = error;
  const rest = { code, message, details, solution, errors: others };
  return { byField, rest: isComplete ? null : new APIError(status, rest) };
}

/** Control with its label, help and error. */
export function Field(props: {
  label: string;
  help?: string;
  error?: string;
  children: (id: string, described: string | undefined) => ReactNode;
}): JSX.Element {
  const id = useId();
  const { label, help, error } = props;
  return (
    <div
      className={error ? 'jp-mlws-FormField jp-mod-wrong' : 'jp-mlws-FormField'}
    >
      <label htmlFor={id}>{label}</label>
      {props.children(id, help || error ? `${id}-note` : undefined)}
      <div id={`${id}-note`}>
        {error && (
          <p className="jp-mlws-FormField-error" role="alert">
            {error}
          </p>
        )}
        {help && <Hint>{help}</Hint>}
      </div>
    </div>
  );
}

/** Sends a form; returns the errors of the newest attempt by field, and the rest. */
export function useSubmit(
  fields: readonly string[],
  send: () => Promise<void>
): {
  byField: Map<string, string>;
  rest: APIError | null;
  isBusy: boolean;
  submit: () => Promise<void>;
} {
  const [error, setError] = useState<APIError | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (): Promise<void> => {
    setIsBusy(true);
    setError(null);
    try {
      await send();
    } catch (reason) {
      setError(apiError(reason));
    } finally {
      setIsBusy(false);
    }
  };
  const { byField, rest } = error
    ? splitError(error, fields)
    : { byField: new Map<string, string>(), rest: null };
  return { byField, rest, isBusy, submit };
}

/** Text input with its label; other props are passed to the input. */
export function TextField(
  props: {
    label: string;
    help?: string;
    error?: string;
  } & InputHTMLAttributes<HTMLInputElement>
): JSX.Element {
  const { label, help, error, ...input } = props;
  return (
    <Field label={label} help={help} error={error}>
      {(id, described) => (
        <input
          id={id}
          className="jp-mod-styled"
          autoComplete="off"
          spellCheck={false}
          aria-describedby={described}
          aria-invalid={error !== undefined}
          {...input}
        />
      )}
    </Field>
  );
}

/** Form with its buttons; errors of the server are at their fields, others above them. */
export function Form(props: {
  label: string;
  className?: string;
  /** Fields by their API names. */
  fields: readonly string[];
  ok: string;
  /** Nothing can be sent as it is. */
  isIncomplete?: boolean;
  send: () => Promise<void>;
  onCancel: () => void;
  children: (errors: ReadonlyMap<string, string>) => ReactNode;
}): JSX.Element {
  const { byField, rest, isBusy, submit } = useSubmit(props.fields, props.send);
  return (
    <form
      className={props.className}
      aria-label={props.label}
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
    >
      {rest && <Failure error={rest} />}
      {props.children(byField)}
      <div className="jp-mlws-Buttons">
        <button
          type="button"
          className="jp-mod-styled jp-mod-reject"
          onClick={props.onCancel}
        >
          {trans.__('Cancel')}
        </button>
        <button
          type="submit"
          className="jp-mod-styled jp-mod-accept"
          aria-busy={isBusy}
          disabled={isBusy || props.isIncomplete}
        >
          {props.ok}
        </button>
      </div>
    </form>
  );
}
