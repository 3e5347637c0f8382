"""Public data sets as their makers publish them: tables, the pictures they name, and two that are also trained on."""
