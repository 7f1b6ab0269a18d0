import type { LabIcon } from '@jupyterlab/ui-components';
import type { ButtonHTMLAttributes } from 'react';

/** A button that is an icon; `label` is its tooltip and its name. */
export function IconButton(
  props: ButtonHTMLAttributes<HTMLButtonElement> & {
    icon: LabIcon;
    label: string;
    /** The object of the button's action, for screen readers. */
    of?: string;
  }
): JSX.Element {
  const { icon: Icon, label, of, className, ...button } = props;
  return (
    <button
      type="button"
      title={label}
      aria-label={of ? `${label}: ${of}` : label}
      {...button}
      className={`jp-mlws-IconButton ${className ?? ''}`}
    >
      <Icon.react tag="span" width="16px" />
    </button>
  );
}
