import { TextField } from '../../ui/form';
import { cores, memorySize } from '../../ui/format';
import type { IAmount, IResources } from '../../api/models';
import { trans } from '../../ui/locale';

/** Fields of a size as the API names them. */
export const SIZE_FIELDS = [
  'resources.cpu',
  'resources.memory',
  'resources.gpu'
] as const;
type SizeField = (typeof SIZE_FIELDS)[number];
export type ISizeValues = Record<SizeField, string>;

/** Converts the values of the form to the API's format. */
export function sizeOf(values: ISizeValues, hasGpu: boolean): IResources {
  return {
    cpu: values['resources.cpu'].trim(),
    memory: values['resources.memory'].trim(),
    ...(hasGpu ? { gpu: values['resources.gpu'].trim() || '0' } : {})
  };
}

/** Fields for cores, memory and devices of a container, with their errors. */
export function SizeFields(props: {
  values: ISizeValues;
  errors: ReadonlyMap<string, string>;
  limits: IAmount;
  onChange: (change: Partial<ISizeValues>) => void;
}): JSX.Element {
  const { values, errors, limits } = props;
  const field = (name: SizeField, label: string, help: string) => (
    <TextField
      label={label}
      help={help}
      error={errors.get(name)}
      name={name}
      value={values[name]}
      onChange={event => props.onChange({ [name]: event.target.value })}
    />
  );
  return (
    <>
      {field(
        'resources.cpu',
        trans.__('CPU cores'),
        trans.__('Up to %1. “500m” is half a core.', cores(limits.cpu))
      )}
      {field(
        'resources.memory',
        trans.__('Memory'),
        trans.__(
          'Up to %1. Examples: “2Gi”, “512Mi”.',
          memorySize(limits.memory)
        )
      )}
      {limits.gpu > 0 &&
        field(
          'resources.gpu',
          trans.__('GPUs'),
          trans.__('Up to %1', limits.gpu)
        )}
    </>
  );
}
