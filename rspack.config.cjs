/**
 * What the build of the lab's extension has beside its defaults.
 *
 * The module that federation exposes has the absolute path of this folder in its name. Ids made from
 * names, the default, would differ between folders; ids in the order of use do not.
 */
module.exports = { optimization: { moduleIds: 'natural' } };
