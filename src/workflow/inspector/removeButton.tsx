import { Button } from '@jupyterlab/ui-components';

export function RemoveButton(props: {
  label: string;
  onClick: (event: unknown) => void;
}): JSX.Element {
  const { label, onClick } = props;
  return (
    <Button small minimal aria-label={label} title={label} onClick={onClick}>
      ×
    </Button>
  );
}
