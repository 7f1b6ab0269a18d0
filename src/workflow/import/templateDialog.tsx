import { useEffect, useId, useState } from 'react';

import { Button } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { askForm } from '../askForm';
import { TABLE_FILE } from '../graph/sources';
import type { CanvasModel } from '../store/model';
import { addTemplate, textOfFile } from '../store/templates';
import { type ITemplate, templates } from './gallery';
import { TemplateChoice } from './templateChoice';

/** Asks for a template, a data file and the target, and adds the nodes; false if canceled. */
export async function fillFromTemplate(
  model: CanvasModel,
  chooseFile: (pattern: RegExp) => Promise<string | null>,
  file = ''
): Promise<boolean> {
  const gallery = templates();
  const choice = await askForTemplate(file, {
    gallery,
    files: [...model.catalog.datasets.values()]
      .filter(({ output, path }) => !output && TABLE_FILE.test(path))
      .map(({ path }) => path),
    chooseFile: () => chooseFile(TABLE_FILE),
    columnsOf: async file => {
      const text = textOfFile(model, file);
      const reply = text
        ? await model.server.service?.columns.read(text, 'next')
        : undefined;
      return (
        reply?.inputs.data?.flatMap(({ columns }) =>
          columns.map(({ name }) => name)
        ) ?? []
      );
    }
  });
  const template = gallery.find(({ key }) => key === choice?.key);
  return !!choice && !!template && addTemplate(model, template, choice);
}

interface ITemplateChoice {
  key: string;
  /** From the project's root; empty for sample data. */
  file: string;
  /** Target column; empty for the template's default. */
  column: string;
}

interface ITemplateSources {
  gallery: readonly ITemplate[];
  /** Data files of the project, from its root. */
  files: readonly string[];
  chooseFile: () => Promise<string | null>;
  /** The columns of a data file; empty if unknown. */
  columnsOf: (file: string) => Promise<string[]>;
}

/** Asks for a template, a file and a target column; null if canceled. */
function askForTemplate(
  file: string,
  sources: ITemplateSources
): Promise<ITemplateChoice | null> {
  const { gallery } = sources;
  return askForm({
    title: trans.__('Start from a Template'),
    ok: trans.__('Create'),
    value: { key: gallery[0].key, file, column: '' },
    fields: (value, change, ask) => (
      <TemplateFields
        {...sources}
        choice={value}
        change={change}
        onBrowse={() =>
          ask(async () => {
            const path = await sources.chooseFile();
            return path === null ? null : { file: path };
          })
        }
      />
    )
  });
}

function TemplateFields(
  props: ITemplateSources & {
    choice: ITemplateChoice;
    change: (part: Partial<ITemplateChoice>) => void;
    onBrowse: () => void;
  }
): JSX.Element {
  const { gallery, files, columnsOf, choice, change } = props;
  const id = useId();
  const [columns, setColumns] = useState<string[]>([]);
  const { file } = choice;
  useEffect(() => {
    let isStale = false;
    setColumns([]);
    if (file !== '') {
      void columnsOf(file).then(names => {
        if (!isStale) {
          setColumns(names);
        }
      });
    }
    return () => {
      isStale = true;
    };
  }, [file, columnsOf]);
  const predicts =
    gallery.find(({ key }) => key === choice.key)?.predicts ?? [];
  return (
    <>
      <TemplateChoice
        legend={trans.__('Template')}
        templates={gallery}
        value={choice.key}
        onChange={key => change({ key })}
      />
      <label htmlFor={`${id}-file`}>{trans.__('Data file')}</label>
      <div className="jp-mlws-Field-item">
        <input
          id={`${id}-file`}
          className="jp-mod-styled"
          list={`${id}-files`}
          value={file}
          placeholder={trans.__('Sample data')}
          onChange={event => change({ file: event.target.value })}
        />
        <Button
          onClick={event => {
            event.preventDefault();
            props.onBrowse();
          }}
        >
          {trans.__('Browse…')}
        </Button>
      </div>
      <datalist id={`${id}-files`}>
        {files.map(one => (
          <option key={one} value={one} />
        ))}
      </datalist>
      {predicts.length > 0 && (
        <>
          <label htmlFor={`${id}-column`}>{trans.__('Target column')}</label>
          <input
            id={`${id}-column`}
            className="jp-mod-styled"
            list={`${id}-columns`}
            value={choice.column}
            placeholder="target"
            onChange={event => change({ column: event.target.value })}
          />
          <datalist id={`${id}-columns`}>
            {columns.map(name => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </>
      )}
    </>
  );
}
