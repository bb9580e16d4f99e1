"""How the engines are run."""
