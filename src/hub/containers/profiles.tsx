import { Field } from '../../ui/form';
import type { IResources } from '../../api/models';
import { Select } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { parseCpu, parseMemory } from './quantities';
import type { ISizeValues } from './size';
import { resourcesText } from './labels';

/** Labels of the Hub's predefined sizes; others keep the administrator's name. */
function titleOf(name: string): string {
  const known: Record<string, string> = {
    small: trans.__('Small'),
    medium: trans.__('Medium'),
    large: trans.__('Large'),
    gpu: trans.__('GPU')
  };
  return known[name] ?? name;
}

function isSame(size: IResources, values: ISizeValues): boolean {
  return (
    parseCpu(size.cpu) === parseCpu(values['resources.cpu']) &&
    parseMemory(size.memory) === parseMemory(values['resources.memory']) &&
    (size.gpu ?? '0') === (values['resources.gpu'] || '0')
  );
}

/** Predefined sizes; a choice fills in the fields. */
export function Profiles(props: {
  profiles: Record<string, IResources>;
  chosen: ISizeValues;
  onChoose: (change: ISizeValues) => void;
}): JSX.Element | null {
  const { profiles, chosen } = props;
  const names = Object.keys(profiles);
  if (names.length === 0) {
    return null;
  }
  const choose = (name: string): void => {
    const size = profiles[name];
    if (size) {
      props.onChoose({
        'resources.cpu': size.cpu,
        'resources.memory': size.memory,
        'resources.gpu': size.gpu ?? '0'
      });
    }
  };
  return (
    <Field label={trans.__('Size')}>
      {id => (
        <Select
          id={id}
          name="profile"
          className="jp-mlws-Select jp-mod-styled"
          value={names.find(name => isSame(profiles[name], chosen)) ?? ''}
          options={[
            ['', trans.__('Custom')],
            ...names.map(
              name =>
                [
                  name,
                  `${titleOf(name)}: ${resourcesText(profiles[name])}`
                ] as const
            )
          ]}
          onChange={choose}
        />
      )}
    </Field>
  );
}
