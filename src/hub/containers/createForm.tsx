import { useState } from 'react';

import { Failure } from '../../ui/errorBox';
import { Field, FormButtons, TextField, useSubmit } from '../../ui/form';
import type {
  IContainer,
  IContainerCreate,
  IResourceReport
} from '../../api/models';
import { Check } from '../../ui/controls';
import { trans } from '../../ui/locale';
import type { ContainersModel } from './model';
import { Profiles } from './profiles';
import { SIZE_FIELDS, SizeFields, sizeOf } from './size';

/** Fields of the form by their API names; errors about others are above the form. */
const FIELDS = ['name', 'image', ...SIZE_FIELDS, 'environment'] as const;
type FieldName = (typeof FIELDS)[number];
type Values = Record<FieldName, string>;

/** Parses lines of NAME=value; returns the first invalid line, if any. */
export function parseEnvironment(text: string): {
  values: Record<string, string>;
  wrong: string | null;
} {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) {
      values[line.slice(0, at).trim()] = line.slice(at + 1);
    } else if (line.trim() !== '') {
      return { values, wrong: line };
    }
  }
  return { values, wrong: null };
}

function bodyOf(values: Values, hasGpu: boolean): IContainerCreate {
  const name = values.name.trim();
  return {
    ...(name ? { name } : {}),
    ...(values.image ? { image: values.image } : {}),
    resources: sizeOf(values, hasGpu),
    environment: parseEnvironment(values.environment).values
  };
}

/** Form for a new container; errors of the server are at their field. */
export function CreateForm(props: {
  model: ContainersModel;
  report: IResourceReport;
  onMade: (container: IContainer) => void;
  onCancel: () => void;
}): JSX.Element {
  const { model, report } = props;
  const { defaults, limits } = report;
  const [values, setValues] = useState<Values>({
    name: '',
    image: report.images[0] ?? '',
    'resources.cpu': defaults.cpu,
    'resources.memory': defaults.memory,
    'resources.gpu': defaults.gpu ?? '0',
    environment: ''
  });
  const [isRescue, setIsRescue] = useState(false);
  const hasGpu = limits.gpu > 0;

  const wrongLine = parseEnvironment(values.environment).wrong;
  const { byField, rest, isBusy, submit } = useSubmit(FIELDS, async () =>
    props.onMade(
      await model.create({
        ...bodyOf(values, hasGpu),
        ...(isRescue ? { rescue: true } : {})
      })
    )
  );
  if (wrongLine !== null) {
    byField.set(
      'environment',
      trans.__('Use NAME=value in line “%1”', wrongLine)
    );
  }

  const control = (name: FieldName) => ({
    name,
    value: values[name],
    onChange: (event: { target: { value: string } }) =>
      setValues({ ...values, [name]: event.target.value })
  });
  const textField = (name: FieldName, label: string, help: string) => (
    <TextField
      label={label}
      help={help}
      error={byField.get(name)}
      {...control(name)}
    />
  );

  return (
    <form
      className="jp-mlws-CreateForm"
      aria-label={trans.__('New Container')}
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
    >
      {rest && <Failure error={rest} />}
      {textField(
        'name',
        trans.__('Name'),
        trans.__(
          'Lowercase letters, digits and hyphens. Leave empty for the default container.'
        )
      )}
      <Field label={trans.__('Image')} error={byField.get('image')}>
        {(id, described) => (
          <select
            id={id}
            className="jp-mlws-Select jp-mod-styled"
            aria-describedby={described}
            aria-invalid={byField.has('image')}
            {...control('image')}
          >
            {report.images.map(image => (
              <option key={image}>{image}</option>
            ))}
          </select>
        )}
      </Field>
      <Profiles
        profiles={report.profiles}
        chosen={values}
        onChoose={change => setValues({ ...values, ...change })}
      />
      <SizeFields
        values={values}
        errors={byField}
        limits={limits}
        onChange={change => setValues({ ...values, ...change })}
      />
      <Field
        label={trans.__('Environment variables')}
        help={trans.__('One NAME=value per line')}
        error={byField.get('environment')}
      >
        {(id, described) => (
          <textarea
            id={id}
            className="jp-mlws-TextArea"
            rows={3}
            spellCheck={false}
            aria-describedby={described}
            aria-invalid={byField.has('environment')}
            {...control('environment')}
          />
        )}
      </Field>
      <Check
        className="jp-mlws-Check"
        name="rescue"
        checked={isRescue}
        onChange={setIsRescue}
      >
        {trans.__(
          'Rescue mode: start even if the home folder is full, to free space'
        )}
      </Check>
      <FormButtons
        ok={trans.__('Create')}
        isBusy={isBusy}
        isIncomplete={wrongLine !== null}
        onCancel={props.onCancel}
      />
    </form>
  );
}
