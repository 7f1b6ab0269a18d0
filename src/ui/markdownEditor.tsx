import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { useState } from 'react';

import { Button } from './controls';
import { trans } from './locale';
import { Markdown } from './markdown';

interface IProps {
  text: string;
  renderers: IRenderMimeRegistry;
  /** Name of the field for screen readers. */
  label: string;
  /** Label of the button that starts editing. */
  button: string;
  /** Saves a text; the editor stays open unless it returns true. */
  onSave: (text: string) => Promise<boolean>;
}

/** Rendered Markdown with a button that edits its source. */
export function MarkdownEditor(props: IProps): JSX.Element {
  const { text, renderers, label, button, onSave } = props;
  const [draft, setDraft] = useState<string | null>(null);
  if (draft === null) {
    return (
      <>
        {text !== '' && <Markdown text={text} renderers={renderers} />}
        <Button onClick={() => setDraft(text)}>{button}</Button>
      </>
    );
  }
  const save = () => {
    void onSave(draft).then(isSaved => {
      if (isSaved) {
        setDraft(null);
      }
    });
  };
  return (
    <>
      <textarea
        className="jp-mod-styled jp-mlws-MarkdownEditor"
        aria-label={label}
        autoFocus
        rows={8}
        value={draft}
        onChange={event => setDraft(event.target.value)}
      />
      <div className="jp-mlws-Tools">
        <Button onClick={save}>{trans.__('Save')}</Button>
        <Button minimal onClick={() => setDraft(null)}>
          {trans.__('Cancel')}
        </Button>
      </div>
    </>
  );
}
