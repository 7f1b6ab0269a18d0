import { Button } from '../../ui/controls';

export function RemoveButton(props: {
  label: string;
  onClick: (event: unknown) => void;
}): JSX.Element {
  const { label, onClick } = props;
  return (
    <Button minimal aria-label={label} title={label} onClick={onClick}>
      ×
    </Button>
  );
}
