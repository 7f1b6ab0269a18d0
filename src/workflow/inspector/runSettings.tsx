import { useMemo } from 'react';

import { cellText } from '../../ui/format';
import { parse } from '../document/document';
import { settingChanges } from '../graph/graphDiff';
import { useCanvas, useDocument, useReply, useRuns } from '../store/hooks';

/** The settings that a node had in the past run that is shown, where they differ from now. */
export function RunSettings({ node }: { node: string }): JSX.Element | null {
  const { model, trans } = useCanvas();
  const { workflow } = useDocument();
  const { selected } = useRuns();
  const { data: text, error } = useReply(
    selected === null ? null : service => service.reader.text(selected),
    [selected]
  );
  const path = model.server.service?.path ?? '';
  const past = useMemo(
    () => (text === null ? null : parse(text, path).document),
    [text, path]
  );
  if (selected === null || (!past && !error)) {
    return null;
  }
  const old = past?.stages.find(stage => stage.id === node);
  const now = workflow.stages.find(stage => stage.id === node);
  const changes =
    past && old && now ? settingChanges(past, old, workflow, now) : [];
  return (
    <section
      className="jp-mlws-Note"
      aria-label={trans.__('Settings of the shown run')}
    >
      {error ? (
        <p>{error}</p>
      ) : !old ? (
        <p>{trans.__('The shown run did not have this node.')}</p>
      ) : changes.length === 0 ? (
        <p>{trans.__('The shown run had the same settings.')}</p>
      ) : (
        <>
          <p>{trans.__('The shown run had other settings:')}</p>
          <ul className="jp-mlws-Paths">
            {changes.map(({ name, before, after }) => (
              <li key={name}>
                {name}: <strong>{cellText(before)}</strong>{' '}
                {trans.__('(now %1)', cellText(after))}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
