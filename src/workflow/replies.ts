import { useMemo } from 'react';

import { useFileText } from '../ui/useFileText';
import { useRead } from '../ui/useRead';
import { parse } from './document/document';
import { differsFrom, sourceOf } from './document/subworkflows';
import { useCanvas } from './context';
import { useDocument } from './hooks';
import type { WorkflowService } from './store/service';

/** Last response of a request, and the error of the newest attempt. */
export interface IReply<T> {
  data: T | null;
  error: string | null;
}

/** Sends a request, and repeats it when one of `causes` changes; null sends none. */
export function useReply<T>(
  request: ((service: WorkflowService) => Promise<T>) | null,
  causes: readonly unknown[]
): IReply<T> {
  const { model } = useCanvas();
  const { service } = model.server;
  const { data, error } = useRead(
    request && service && (() => request(service)),
    [model, ...causes]
  );
  return { data, error: error && error.message };
}

interface ISourceState {
  /** File of the sub-workflow; null if there is none. */
  path: string | null;
  /** Null while the file is read, or cannot be. */
  text: string | null;
  error: string | null;
  differs: boolean;
}

/** The file that the nodes of a frame are copies from, followed. */
export function useSource(nodes: readonly string[]): ISourceState {
  const { openSource } = useCanvas();
  const { workflow } = useDocument();
  const path = sourceOf(workflow, nodes);
  const { text, error } = useFileText(openSource, path);
  const differs = useMemo(() => {
    const source =
      path === null || text === null ? null : parse(text, path).document;
    return source !== null && differsFrom(workflow, source, nodes);
  }, [workflow, path, text, nodes]);
  return { path, text, error, differs };
}
