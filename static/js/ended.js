// An answer has ended the mapping: the words that the tab keeps of its other steps are removed, too.
const [, prefix] = location.pathname.split("/");
try {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(`draft:/${prefix}/`)) sessionStorage.removeItem(key);
  }
} catch (error) {
  // Storage is forbidden; then nothing was kept.
  console.warn(error);
}
