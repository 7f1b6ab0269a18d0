import branchSvg from '../../style/icons/branch.svg';
import mergeSvg from '../../style/icons/merge.svg';
import minusSvg from '../../style/icons/minus.svg';
import pullSvg from '../../style/icons/pull.svg';
import pushSvg from '../../style/icons/push.svg';
import sourceControlSvg from '../../style/icons/source-control.svg';
import treeSvg from '../../style/icons/tree.svg';
import workspaceSvg from '../../style/icons/workspace.svg';
import { icon } from '../ui/fileIcons';

export const branchIcon = icon('branch', branchSvg);
export const mergeIcon = icon('merge', mergeSvg);
export const minusIcon = icon('minus', minusSvg);
export const pullIcon = icon('pull', pullSvg);
export const pushIcon = icon('push', pushSvg);
export const sourceControlIcon = icon('source-control', sourceControlSvg);
export const treeIcon = icon('changes-tree', treeSvg);
export const workspaceIcon = icon('workspace', workspaceSvg);
