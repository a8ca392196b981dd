"""Chats: pictures and films inside a conversation, in OpenAI's form."""
