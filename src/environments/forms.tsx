import { apiError, type APIError } from '../api/client';
import type { Body } from '../api/models';
import { ask } from '../lab/confirm';
import { DialogForm } from '../lab/dialogForm';
import { Failure } from '../ui/errorBox';
import { splitError, TextField } from '../ui/form';
import { trans } from '../ui/locale';
import { splitPackages } from './labels';

/** The environment whose files are in the project's folder. */
export const ROOT = 'project';

/** Texts of the fields of a form; the form of packages to add has no others. */
interface IFields {
  name?: string;
  python?: string;
  packages: string;
}

/** Form for the name, Python and packages of an environment. */
class EnvironmentForm extends DialogForm<IFields> {
  constructor(
    private _fields: IFields,
    private _error: APIError | null
  ) {
    super();
  }

  getValue(): IFields {
    return this._fields;
  }

  protected render(): JSX.Element {
    const { name, python } = this._fields;
    const rest = this._error && splitError(this._error, FIELD_NAMES).rest;
    return (
      <div className="jp-mlws-EnvironmentForm">
        {rest && <Failure error={rest} />}
        {name !== undefined &&
          this._field(
            'name',
            trans.__('Name'),
            name.trim() === ROOT
              ? trans.__('In the project’s folder: new notebooks start in it')
              : trans.__('In the folder envs/%1', name.trim() || '…')
          )}
        {this._field(
          'packages',
          trans.__('Packages'),
          trans.__('Separated by spaces, with versions if you need them'),
          'pandas scikit-learn>=1.5'
        )}
        {python !== undefined &&
          this._field(
            'python',
            trans.__('Python version'),
            trans.__('That of JupyterLab or later if empty'),
            '3.12'
          )}
      </div>
    );
  }

  private _field(
    name: keyof IFields,
    label: string,
    help: string,
    placeholder?: string
  ): JSX.Element {
    const errors = this._error && splitError(this._error, FIELD_NAMES).byField;
    return (
      <TextField
        label={label}
        help={help}
        error={errors?.get(name)}
        name={name}
        placeholder={placeholder}
        value={this._fields[name]}
        onChange={event => {
          this._fields = { ...this._fields, [name]: event.target.value };
          this.update();
        }}
      />
    );
  }
}

const FIELD_NAMES = ['name', 'python', 'packages'];

/** Asks again, with the errors at their fields, until the request is accepted; null if canceled. */
async function askUntilSent<T>(
  title: string,
  ok: string,
  fields: IFields,
  send: (fields: IFields) => Promise<T>
): Promise<T | null> {
  let error: APIError | null = null;
  for (;;) {
    const answer: IFields | null = await ask(
      title,
      ok,
      new EnvironmentForm(fields, error)
    );
    if (!answer) {
      return null;
    }
    fields = answer;
    try {
      return await send(fields);
    } catch (reason) {
      error = apiError(reason);
    }
  }
}

/** Asks for a new environment, and sends the request. */
export function askEnvironment<T>(
  name: string,
  send: (request: Body<'post', '/envs'>) => Promise<T>
): Promise<T | null> {
  return askUntilSent(
    trans.__('Create Environment'),
    trans.__('Create'),
    { name, python: '', packages: '' },
    fields =>
      send({
        name: fields.name!.trim(),
        python: fields.python!.trim() || null,
        packages: splitPackages(fields.packages)
      })
  );
}

/** Asks for packages to add to an environment, and sends the request. */
export function askPackages<T>(
  environment: string,
  send: (packages: string[]) => Promise<T>
): Promise<T | null> {
  return askUntilSent(
    trans.__('Add Packages to “%1”', environment),
    trans.__('Add'),
    { packages: '' },
    ({ packages }) => send(splitPackages(packages))
  );
}
