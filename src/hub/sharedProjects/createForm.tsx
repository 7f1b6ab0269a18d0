import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import { Form, TextField } from '../../ui/form';
import { trans } from '../../ui/locale';
import { PROJECTS } from './labels';

/** Form for a new shared project; errors of the server are at their field. */
export function CreateProjectForm(props: {
  client: MLWSClient;
  onDone: () => void;
}): JSX.Element {
  const { client, onDone } = props;
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const send = async (): Promise<void> => {
    await client.post(PROJECTS, {
      name: name.trim(),
      description: description.trim()
    });
    await client.refresh(PROJECTS);
    onDone();
  };
  return (
    <Form
      label={trans.__('New Shared Project')}
      fields={['name', 'description']}
      ok={trans.__('Create')}
      isIncomplete={name.trim() === ''}
      send={send}
      onCancel={onDone}
    >
      {errors => (
        <>
          <TextField
            name="name"
            label={trans.__('Name')}
            help={trans.__(
              'Lowercase letters and digits, with hyphens between them. Used in URLs.'
            )}
            error={errors.get('name')}
            value={name}
            onChange={event => setName(event.target.value)}
          />
          <TextField
            name="description"
            label={trans.__('Description')}
            error={errors.get('description')}
            value={description}
            onChange={event => setDescription(event.target.value)}
          />
        </>
      )}
    </Form>
  );
}
