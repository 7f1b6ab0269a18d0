import { Button as LabButton } from '@jupyterlab/ui-components';
import { useId } from 'react';
import type {
  ComponentProps,
  HTMLAttributes,
  InputHTMLAttributes,
  ReactNode,
  SelectHTMLAttributes
} from 'react';

/** JupyterLab's small button; `minimal`: without a frame. */
export function Button(props: ComponentProps<typeof LabButton>): JSX.Element {
  return <LabButton small={true} {...props} />;
}

/** A paragraph that explains, in the muted color. */
export function Hint(props: HTMLAttributes<HTMLParagraphElement>): JSX.Element {
  return <p className="jp-mlws-Hint" {...props} />;
}

/** A paragraph in place of content that there is none of. */
export function Empty(props: { children: ReactNode }): JSX.Element {
  return <p className="jp-mlws-Empty">{props.children}</p>;
}

/** Search field; other props are passed to the input. */
export function SearchField({
  label,
  onChange,
  ...input
}: Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> & {
  /** Its name, and its placeholder unless there is one. */
  label: string;
  onChange: (text: string) => void;
}): JSX.Element {
  return (
    <input
      type="search"
      className="jp-mod-styled"
      aria-label={label}
      placeholder={label}
      {...input}
      onChange={event => onChange(event.target.value)}
    />
  );
}

/** Select with its label before it. */
export function LabelledSelect<T extends string>({
  label,
  ...select
}: Parameters<typeof Select<T>>[0] & { label: string }): JSX.Element {
  const id = useId();
  return (
    <>
      <label htmlFor={id}>{label}</label>
      <Select id={id} {...select} />
    </>
  );
}

/** Select element; other props are passed to the element. */
export function Select<T extends string>(
  props: Omit<SelectHTMLAttributes<HTMLSelectElement>, 'value' | 'onChange'> & {
    value: T;
    /** Values, their labels, and whether they cannot be chosen now. */
    options: readonly (readonly [T, ReactNode, boolean?])[];
    onChange: (value: T) => void;
  }
): JSX.Element {
  const { options, onChange, ...select } = props;
  return (
    <select {...select} onChange={event => onChange(event.target.value as T)}>
      {options.map(([value, label, isDisabled]) => (
        <option key={value} value={value} disabled={isDisabled}>
          {label}
        </option>
      ))}
    </select>
  );
}

/** A check box before its label; `className` is that of both. */
export function Check(
  props: Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> & {
    onChange: (checked: boolean) => void;
  }
): JSX.Element {
  const { className, onChange, children, ...input } = props;
  return (
    <label className={className}>
      <input
        {...input}
        type="checkbox"
        onChange={event => onChange(event.target.checked)}
      />
      {children}
    </label>
  );
}
