"""The screen: widgets that show snapshots and post intents. Textual and rich live here, torch never."""
