import { useState } from 'react';

import { Form, TextField } from '../ui/form';
import { trans } from '../ui/locale';
import { ROOT, type EnvironmentActions } from './actions';
import { splitPackages } from './labels';

interface IFormProps {
  actions: EnvironmentActions;
  onClose: () => void;
}

function PackagesField(props: {
  value: string;
  error: string | undefined;
  onChange: (text: string) => void;
}): JSX.Element {
  return (
    <TextField
      label={trans.__('Packages')}
      help={trans.__('Separated by spaces, with versions if you need them')}
      error={props.error}
      name="packages"
      placeholder="pandas scikit-learn>=1.5"
      value={props.value}
      onChange={event => props.onChange(event.target.value)}
    />
  );
}

/** Form for the name, Python and packages of a new environment. */
export function CreateForm(
  props: IFormProps & { hasRoot: boolean }
): JSX.Element {
  const { actions, onClose, hasRoot } = props;
  const [name, setName] = useState(hasRoot ? '' : ROOT);
  const [python, setPython] = useState('');
  const [packages, setPackages] = useState('');
  const isRoot = name.trim() === ROOT;
  return (
    <Form
      className="jp-mlws-Form"
      label={trans.__('Create Environment')}
      fields={['name', 'python', 'packages']}
      ok={trans.__('Create')}
      isIncomplete={!name.trim()}
      send={async () => {
        await actions.create({
          name: name.trim(),
          python: python.trim() || null,
          packages: splitPackages(packages)
        });
        onClose();
      }}
      onCancel={onClose}
    >
      {errors => (
        <>
          <TextField
            label={trans.__('Name')}
            help={
              isRoot
                ? trans.__('In the project’s folder: new notebooks start in it')
                : trans.__('In the folder envs/%1', name.trim() || '…')
            }
            error={errors.get('name')}
            name="name"
            value={name}
            onChange={event => setName(event.target.value)}
          />
          <TextField
            label={trans.__('Python version')}
            help={trans.__('That of JupyterLab or later if empty')}
            error={errors.get('python')}
            name="python"
            placeholder="3.12"
            value={python}
            onChange={event => setPython(event.target.value)}
          />
          <PackagesField
            value={packages}
            error={errors.get('packages')}
            onChange={setPackages}
          />
        </>
      )}
    </Form>
  );
}

/** Form for packages to add to an environment. */
export function AddForm(props: IFormProps & { name: string }): JSX.Element {
  const { actions, name, onClose } = props;
  const [text, setText] = useState('');
  const packages = splitPackages(text);
  return (
    <Form
      className="jp-mlws-Form"
      label={trans.__('Add Packages')}
      fields={['packages']}
      ok={trans.__('Add')}
      isIncomplete={packages.length === 0}
      send={async () => {
        await actions.add(name, packages);
        onClose();
      }}
      onCancel={onClose}
    >
      {errors => (
        <PackagesField
          value={text}
          error={errors.get('packages')}
          onChange={setText}
        />
      )}
    </Form>
  );
}
