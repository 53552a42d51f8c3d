"""From values to cells: numbers, colours, guides and progress as texts of a width. Must not know widgets."""
