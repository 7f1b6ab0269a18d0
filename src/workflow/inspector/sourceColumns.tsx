import { useRef } from 'react';

import type { ISourceProfile, ITableColumns } from '../../api/models';
import { trans } from '../../ui/locale';
import { ColumnTable } from '../columnTable';
import {
  readChoice,
  withChoice,
  withRoleChoice
} from '../document/expressions';
import type { ISchema } from '../document/schema';
import { type Settings, settingsOf } from '../document/settings';
import type { IGraphNode } from '../graph/graph';
import { useReply } from '../replies';
import { useCanvas } from '../context';
import type { ColumnsOfPorts } from './columnFields';
import { RemoveButton } from './removeButton';

/** The table that a node loads, as far as it can be read. */
export interface ISourceTable {
  /** Null while it is read, or if it cannot be. */
  profile: ISourceProfile | null;
  isLoading: boolean;
  /** Reason for which there is no profile. */
  reason: string | null;
}

/** The name of the setting with the kinds, or the roles, of a source's columns. */
function settingAbout(
  { settings }: IGraphNode,
  about: 'kind' | 'role'
): string | undefined {
  const properties: Record<string, ISchema> = settings?.properties ?? {};
  return Object.keys(properties).find(
    name => properties[name]['x-pairs']?.about === about
  );
}

/** Reads the table that a node loads when its files or options change; null for other nodes. */
export function useSourceTable(
  node: IGraphNode,
  columns: ColumnsOfPorts | null
): ISourceTable | null {
  const { model } = useCanvas();
  const kinds = settingAbout(node, 'kind');
  const roles = settingAbout(node, 'role');
  const isSource = kinds !== undefined && roles !== undefined;
  const files = node.inputs.map(({ paths }) => paths[0]);
  const isRead =
    isSource &&
    files.some(Boolean) &&
    node.inputs.every((port, n) => files[n] || !port.required);
  const settings = settingsOf(node, model.document.workflow);
  const reading = Object.entries(settings).filter(
    ([name]) => name !== kinds && name !== roles
  );
  const key = JSON.stringify([node.id, files, reading]);
  const port = node.settings?.properties?.[kinds ?? '']?.['x-pairs']?.port;
  const version = useVersion(isRead && port ? columns?.[port] : undefined);
  const reply = useReply(
    isRead
      ? async service => ({
          key,
          profile: await service.columns.profileSource(
            model.document.text,
            node.id
          )
        })
      : null,
    [key, version, isRead]
  );
  if (!isSource) {
    return null;
  }
  if (!isRead) {
    const isMissing = node.inputs.some((one, n) => one.required && !files[n]);
    const reason = isMissing
      ? trans.__('Choose a file to see its columns.')
      : trans.__('Before a run, only the columns of local files are known.');
    return { profile: null, isLoading: false, reason };
  }
  const isLoading = reply.error === null && reply.data?.key !== key;
  return {
    profile: reply.error === null ? (reply.data?.profile ?? null) : null,
    isLoading,
    reason: reply.error
  };
}

/** Counts how often the content of a file has changed since its columns were known. */
function useVersion(table: ITableColumns | undefined): number {
  const latest = useRef<{ facts: string; version: number } | null>(null);
  if (table?.complete) {
    const facts = JSON.stringify(
      table.columns.map(({ name, type, examples, has_gaps }) => [
        name,
        type,
        examples,
        has_gaps
      ])
    );
    if (facts !== latest.current?.facts) {
      latest.current = { facts, version: (latest.current?.version ?? -1) + 1 };
    }
  }
  return latest.current?.version ?? 0;
}

/** The columns of the table that a node loads, with kinds and roles that can be changed. */
export function SourceColumns(props: {
  node: IGraphNode;
  table: ISourceTable;
  settings: Settings;
  onChange: (settings: Settings) => void;
}): JSX.Element {
  const { node, table, settings, onChange } = props;
  const { profile, reason, isLoading } = table;
  const kindSetting = settingAbout(node, 'kind')!;
  const roleSetting = settingAbout(node, 'role')!;
  const kindItems = itemsOf(settings[kindSetting]);
  const roleItems = itemsOf(settings[roleSetting]);
  const [kinds, roles] = [choices(kindItems), choices(roleItems)];
  const names = new Set(profile?.columns.map(({ name }) => name));
  const missing = profile
    ? [...new Set([...Object.keys(roles), ...Object.keys(kinds)])].filter(
        name => !names.has(name)
      )
    : [];
  const target = Object.keys(roles).find(name => roles[name] === 'target');
  return (
    <fieldset className="jp-mlws-SourceColumns" aria-busy={isLoading}>
      <legend>{trans.__('Columns')}</legend>
      <p className="jp-mlws-Field-help" role="status">
        {isLoading
          ? trans.__('Reading the columns…')
          : profile &&
            [
              trans._n(
                '%2 row, %3 columns',
                '%2 rows, %3 columns',
                profile.rows,
                profile.rows.toLocaleString(),
                profile.columns.length
              ),
              profile.is_head ? trans.__('the first rows of a large file') : '',
              target
                ? trans.__('target: %1', target)
                : trans.__('no column has the role of the target')
            ]
              .filter(Boolean)
              .join(' · ')}
      </p>
      {reason !== null && (
        <p className="jp-mlws-SourceColumns-none">{reason}</p>
      )}
      {missing.length > 0 && (
        <ul aria-label={trans.__('Columns that do not exist')}>
          {missing.map(name => (
            <li key={name} className="jp-mlws-Field-item">
              <span title={name}>{trans.__('%1 (does not exist)', name)}</span>
              <RemoveButton
                label={trans.__('Remove %1', name)}
                onClick={() =>
                  onChange({
                    ...settings,
                    [kindSetting]: withChoice(kindItems, name, null),
                    [roleSetting]: withChoice(roleItems, name, null)
                  })
                }
              />
            </li>
          ))}
        </ul>
      )}
      {profile && (
        <ColumnTable
          columns={profile.columns}
          rows={profile.rows}
          kinds={kinds}
          roles={roles}
          onKind={(column, kind) =>
            onChange({
              ...settings,
              [kindSetting]: withChoice(kindItems, column, kind)
            })
          }
          onRole={(column, role) =>
            onChange({
              ...settings,
              [roleSetting]: withRoleChoice(roleItems, column, role)
            })
          }
        />
      )}
    </fieldset>
  );
}

function itemsOf(value: Settings[string] | undefined): string[] {
  return Array.isArray(value) ? value.map(one => String(one ?? '')) : [];
}

function choices(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    items.map(readChoice).map(({ column, value }) => [column, value])
  );
}
