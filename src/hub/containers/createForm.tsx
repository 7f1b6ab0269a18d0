import { useState } from 'react';

import { Field, Form, TextField } from '../../ui/form';
import type {
  IContainer,
  IContainerCreate,
  IResourceReport
} from '../../api/models';
import { Check } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { DialogButton } from './dialog';
import type { ContainersModel } from './model';
import { Profiles } from './profiles';
import { SIZE_FIELDS, SizeFields, sizeOf } from './size';

/** Fields of the form by their API names; errors about others are above the form. */
const FIELDS = [
  'user',
  'name',
  'image',
  ...SIZE_FIELDS,
  'environment'
] as const;
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
  const user = values.user.trim();
  return {
    ...(user ? { user } : {}),
    ...(name ? { name } : {}),
    ...(values.image ? { image: values.image } : {}),
    resources: sizeOf(values, hasGpu),
    environment: parseEnvironment(values.environment).values
  };
}

/** Form for a new container; it is done with null if it was canceled. */
export function CreateForm(props: {
  model: ContainersModel;
  report: IResourceReport;
  /** True if the user may create containers for others. */
  asksOwner?: boolean;
  onDone: (container: IContainer | null) => void;
}): JSX.Element {
  const { model, report } = props;
  const { defaults, limits } = report;
  const [values, setValues] = useState<Values>({
    user: '',
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
  const send = async (): Promise<void> =>
    props.onDone(
      await model.create({
        ...bodyOf(values, hasGpu),
        ...(isRescue ? { rescue: true } : {})
      })
    );

  const control = (name: FieldName) => ({
    name,
    value: values[name],
    onChange: (event: { target: { value: string } }) =>
      setValues({ ...values, [name]: event.target.value })
  });
  const fields = (
    errors: ReadonlyMap<string, string>,
    wrong = wrongLine === null
      ? errors.get('environment')
      : trans.__('Use NAME=value in line “%1”', wrongLine)
  ): JSX.Element => (
    <>
      {props.asksOwner && (
        <TextField
          label={trans.__('User')}
          help={trans.__('Who gets the container. Leave empty for yourself.')}
          error={errors.get('user')}
          {...control('user')}
        />
      )}
      <TextField
        label={trans.__('Name')}
        help={trans.__(
          'Lowercase letters, digits and hyphens. Leave empty for the default container.'
        )}
        error={errors.get('name')}
        {...control('name')}
      />
      <Field label={trans.__('Image')} error={errors.get('image')}>
        {(id, described) => (
          <select
            id={id}
            className="jp-mlws-Select jp-mod-styled"
            aria-describedby={described}
            aria-invalid={errors.has('image')}
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
        errors={errors}
        limits={limits}
        onChange={change => setValues({ ...values, ...change })}
      />
      <Field
        label={trans.__('Environment variables')}
        help={trans.__('One NAME=value per line')}
        error={wrong}
      >
        {(id, described) => (
          <textarea
            id={id}
            className="jp-mlws-TextArea"
            rows={3}
            spellCheck={false}
            aria-describedby={described}
            aria-invalid={wrong !== undefined}
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
    </>
  );
  return (
    <Form
      className="jp-mlws-CreateForm"
      label={trans.__('New Container')}
      fields={FIELDS}
      ok={trans.__('Create')}
      isIncomplete={wrongLine !== null}
      send={send}
      onCancel={() => props.onDone(null)}
    >
      {fields}
    </Form>
  );
}

/** Button that opens the form for a new container, as soon as its limits are known. */
export function NewContainer(props: {
  model: ContainersModel;
  report: IResourceReport | undefined;
  className: string;
  asksOwner?: boolean;
}): JSX.Element {
  const { model, report, className, asksOwner } = props;
  return (
    <DialogButton
      title={trans.__('New Container')}
      className={`${className} jp-mod-styled jp-mod-accept`}
      data-mlws-action="new"
    >
      {close =>
        report && (
          <CreateForm
            model={model}
            report={report}
            asksOwner={asksOwner}
            onDone={close}
          />
        )
      }
    </DialogButton>
  );
}
