import type { LabIcon } from '@jupyterlab/ui-components';

/** A button that is an icon; `label` is its tooltip and its name. */
export function IconButton(props: {
  icon: LabIcon;
  label: string;
  /** The object of the button's action, for screen readers. */
  of?: string;
  className?: string;
  disabled?: boolean;
  onClick: () => void;
}): JSX.Element {
  const { icon: Icon, label, of, className } = props;
  return (
    <button
      type="button"
      className={`jp-mlws-IconButton ${className ?? ''}`}
      title={label}
      aria-label={of ? `${label}: ${of}` : label}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon.react tag="span" width="16px" />
    </button>
  );
}
