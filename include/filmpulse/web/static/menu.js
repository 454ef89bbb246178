// The entry "Movies" in Airflow's menu. Airflow draws what this returns; it leads on to our pages.
globalThis.Movies = () => {
  location.replace(new URL("filmpulse/", document.baseURI));
  return null;
};
