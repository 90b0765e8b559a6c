"""Language models: any OpenAI-compatible server behind the ports LanguageModel, Planner, CodeWriter, VisionModel."""
