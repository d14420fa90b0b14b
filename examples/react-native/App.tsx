// NOT RUN HERE: see README.md. One button, one picture, one answer.
import type { InferenceSession } from 'onnxruntime-react-native';
import { useEffect, useState } from 'react';
import { Button, Image, SafeAreaView, Text } from 'react-native';
import { launchImageLibrary } from 'react-native-image-picker';
import { classify, openModel } from './classify';

export default function App() {
  const [session, setSession] = useState<InferenceSession | null>(null);
  const [picture, setPicture] = useState<string | null>(null);
  const [answer, setAnswer] = useState('Loading …');

  useEffect(() => {
    let opened: InferenceSession | null = null;
    openModel()
      .then((s) => {
        opened = s;
        setSession(s);
        setAnswer('Ready.');
      })
      .catch((error: Error) => setAnswer(error.message));
    return () => void opened?.release();
  }, []);

  const choose = async () => {
    const { assets } = await launchImageLibrary({ mediaType: 'photo' });
    const uri = assets?.[0]?.uri;
    if (!uri || !session) return;
    setPicture(uri);
    const begin = performance.now();
    const { label, share } = await classify(session, uri);
    setAnswer(`${label}, ${(100 * share).toFixed(0)} %, ${(performance.now() - begin).toFixed(0)} ms`);
  };

  return (
    <SafeAreaView style={{ flex: 1, alignItems: 'center', justifyContent: 'center', gap: 16 }}>
      {picture && <Image source={{ uri: picture }} style={{ width: 240, height: 240 }} />}
      <Text accessibilityRole="text">{answer}</Text>
      <Button title="Open a picture" onPress={choose} disabled={!session} />
    </SafeAreaView>
  );
}
