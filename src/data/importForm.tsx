import { useState } from 'react';

import { Form, TextField } from '../ui/form';
import { Check } from '../ui/controls';
import { trans } from '../ui/locale';

/** Data from elsewhere, as the API takes it. */
export interface IImport {
  url: string;
  path: string;
  link: boolean;
}

/** The last part of an address, as a name for the file. */
export function nameOf(url: string): string {
  const path = url.split(/[?#]/)[0].replace(/\/+$/, '');
  const name = path.slice(path.lastIndexOf('/') + 1);
  return path.includes('://') && !path.endsWith(`://${name}`) ? name : '';
}

/** Form for an address to download data from. */
export function ImportForm(props: {
  /** Rejects with an APIError for invalid fields. */
  onSubmit: (request: IImport) => Promise<void>;
  onClose: () => void;
}): JSX.Element {
  const [values, setValues] = useState<IImport>({
    url: '',
    path: '',
    link: true
  });
  const suggestion = nameOf(values.url);
  const path = values.path.trim() || (suggestion && `data/${suggestion}`);

  const send = async (): Promise<void> => {
    await props.onSubmit({ ...values, path });
    props.onClose();
  };
  const text = (
    errors: ReadonlyMap<string, string>,
    name: 'url' | 'path',
    label: string,
    help: string,
    placeholder: string
  ) => (
    <TextField
      label={label}
      help={help}
      error={errors.get(name)}
      name={name}
      placeholder={placeholder}
      value={values[name]}
      onChange={event => setValues({ ...values, [name]: event.target.value })}
    />
  );
  return (
    <Form
      className="jp-mlws-Form jp-mlws-ImportForm"
      label={trans.__('Import Data from URL')}
      fields={['url', 'path', 'link']}
      ok={trans.__('Download')}
      isIncomplete={!values.url.trim() || !path}
      send={send}
      onCancel={props.onClose}
    >
      {errors => (
        <>
          {text(
            errors,
            'url',
            trans.__('URL'),
            trans.__('https://, s3://, ssh://, or remote://NAME/PATH'),
            'https://'
          )}
          {text(
            errors,
            'path',
            trans.__('Path in the project'),
            '',
            suggestion ? `data/${suggestion}` : 'data/'
          )}
          <Check
            className="jp-mlws-Check"
            name="link"
            checked={values.link}
            onChange={link => setValues({ ...values, link })}
          >
            {trans.__('Remember the URL so the data can be updated later')}
          </Check>
        </>
      )}
    </Form>
  );
}
