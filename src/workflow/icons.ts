import {
  codeIcon,
  LabIcon,
  notebookIcon,
  terminalIcon
} from '@jupyterlab/ui-components';

import autoLayout from '../../style/icons/auto-layout.svg';
import fit from '../../style/icons/fit.svg';
import history from '../../style/icons/history.svg';
import more from '../../style/icons/more.svg';
import note from '../../style/icons/note.svg';
import sweep from '../../style/icons/sweep.svg';
import tree from '../../style/icons/tree.svg';
import workflow from '../../style/icons/workflow.svg';
import { componentIcon } from '../ui/fileIcons';
import type { NodeKind } from './document/document';

export const workflowIcon = new LabIcon({
  name: 'jupyter-mlws:workflow',
  svgstr: workflow
});
const sweepIcon = new LabIcon({
  name: 'jupyter-mlws:sweep',
  svgstr: sweep
});
export const fitIcon = new LabIcon({ name: 'jupyter-mlws:fit', svgstr: fit });
export const autoLayoutIcon = new LabIcon({
  name: 'jupyter-mlws:auto-layout',
  svgstr: autoLayout
});
export const noteIcon = new LabIcon({
  name: 'jupyter-mlws:note',
  svgstr: note
});
export const historyIcon = new LabIcon({
  name: 'jupyter-mlws:run-history',
  svgstr: history
});
export const treeIcon = new LabIcon({
  name: 'jupyter-mlws:tree',
  svgstr: tree
});
export const moreIcon = new LabIcon({
  name: 'jupyter-mlws:more',
  svgstr: more
});

export const KIND_ICONS: Record<NodeKind, LabIcon> = {
  component: componentIcon,
  notebook: notebookIcon,
  script: codeIcon,
  shell: terminalIcon,
  sweep: sweepIcon
};
